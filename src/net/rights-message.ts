/**
 * `struct msghdr` of a 64-bit Linux with all that it points to: bytes, an address, and descriptors as
 * SCM_RIGHTS. musl has lengths of 32 bits with padding behind them: the same bytes, since Bun runs on
 * little-endian machines only. The kernel is given addresses of these buffers, so the object that has them must
 * outlive the call.
 */

import { ptr } from "bun:ffi";

const LITTLE_ENDIAN = true;

/** `struct msghdr`: the address and its length, the vector, the control data, flags. */
const HEADER_BYTES = 56;
const NAME_OFFSET = 0;
const NAME_LENGTH_OFFSET = 8;
const VECTOR_OFFSET = 16;
const VECTOR_COUNT_OFFSET = 24;
const CONTROL_OFFSET = 32;
const CONTROL_LENGTH_OFFSET = 40;
const FLAGS_OFFSET = 48;

/** `struct iovec`: an address and a length. */
const VECTOR_BYTES = 16;
const VECTOR_LENGTH_OFFSET = 8;

/** `struct cmsghdr`: a length, which counts this too, level and type; then the descriptors, padded. */
const CONTROL_HEADER_BYTES = 16;
const LEVEL_OFFSET = 8;
const TYPE_OFFSET = 12;
const DESCRIPTOR_BYTES = 4;
const CONTROL_ALIGNMENT = 8;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;

export class RightsMessage {
  /** What sendmsg(2) and recvmsg(2) take. */
  readonly header = new DataView(new ArrayBuffer(HEADER_BYTES));
  readonly #vector = new DataView(new ArrayBuffer(VECTOR_BYTES));
  readonly #payload: Uint8Array;
  readonly #control: DataView;

  private constructor(payload: Uint8Array, controlBytes: number) {
    this.#payload = payload;
    this.#control = new DataView(new ArrayBuffer(controlBytes));
    if (payload.length > 0) setPointer(this.#vector, 0, payload);
    setLength(this.#vector, VECTOR_LENGTH_OFFSET, payload.length);
    setPointer(this.header, VECTOR_OFFSET, this.#vector);
    setLength(this.header, VECTOR_COUNT_OFFSET, 1);
    if (controlBytes > 0) setPointer(this.header, CONTROL_OFFSET, this.#control);
    setLength(this.header, CONTROL_LENGTH_OFFSET, controlBytes);
  }

  /** @param address of whom it is for; the caller holds it until the message is sent */
  static toSend(
    address: Uint8Array,
    payload: Uint8Array,
    descriptors: readonly number[],
  ): RightsMessage {
    const message = new RightsMessage(payload, controlBytesFor(descriptors.length));
    setPointer(message.header, NAME_OFFSET, address);
    message.header.setUint32(NAME_LENGTH_OFFSET, address.length, LITTLE_ENDIAN);
    if (descriptors.length > 0) message.#writeRights(descriptors);
    return message;
  }

  /** Has room for so much. */
  static toReceive(payloadBytesMax: number, descriptorsMax: number): RightsMessage {
    return new RightsMessage(new Uint8Array(payloadBytesMax), controlBytesFor(descriptorsMax));
  }

  /** Whether more came than there was room for. */
  get cutOff(): boolean {
    const flags = this.header.getInt32(FLAGS_OFFSET, LITTLE_ENDIAN);
    return (flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
  }

  /** The descriptors that came. */
  get descriptors(): readonly number[] {
    const control = this.#control;
    const filledBytes = this.header.getUint32(CONTROL_LENGTH_OFFSET, LITTLE_ENDIAN);
    if (filledBytes < CONTROL_HEADER_BYTES) return [];
    const isRights =
      control.getInt32(LEVEL_OFFSET, LITTLE_ENDIAN) === SOL_SOCKET &&
      control.getInt32(TYPE_OFFSET, LITTLE_ENDIAN) === SCM_RIGHTS;
    if (!isRights) return [];
    const bytes = control.getUint32(0, LITTLE_ENDIAN) - CONTROL_HEADER_BYTES;
    return Array.from({ length: bytes / DESCRIPTOR_BYTES }, (_, index) =>
      control.getInt32(CONTROL_HEADER_BYTES + index * DESCRIPTOR_BYTES, LITTLE_ENDIAN),
    );
  }

  /** Returns the first bytes that came, as a copy. */
  payload(length: number): Uint8Array {
    return this.#payload.slice(0, length);
  }

  #writeRights(descriptors: readonly number[]): void {
    const control = this.#control;
    setLength(control, 0, CONTROL_HEADER_BYTES + descriptors.length * DESCRIPTOR_BYTES);
    control.setInt32(LEVEL_OFFSET, SOL_SOCKET, LITTLE_ENDIAN);
    control.setInt32(TYPE_OFFSET, SCM_RIGHTS, LITTLE_ENDIAN);
    for (const [index, descriptor] of descriptors.entries()) {
      const offset = CONTROL_HEADER_BYTES + index * DESCRIPTOR_BYTES;
      control.setInt32(offset, descriptor, LITTLE_ENDIAN);
    }
  }
}

function controlBytesFor(descriptors: number): number {
  if (descriptors === 0) return 0;
  const bytes = CONTROL_HEADER_BYTES + descriptors * DESCRIPTOR_BYTES;
  return Math.ceil(bytes / CONTROL_ALIGNMENT) * CONTROL_ALIGNMENT;
}

function setPointer(view: DataView, offset: number, target: NodeJS.TypedArray | DataView): void {
  view.setBigUint64(offset, BigInt(ptr(target)), LITTLE_ENDIAN);
}

function setLength(view: DataView, offset: number, length: number): void {
  view.setBigUint64(offset, BigInt(length), LITTLE_ENDIAN);
}
