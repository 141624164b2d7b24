/**
 * Headers of the PROXY protocol, as load balancers write them, and as nobody should.
 */

export interface ProxyHeaderV2 {
  /** 0x20 LOCAL, 0x21 PROXY. */
  readonly command?: number;
  readonly family?: number;
  readonly addresses?: Uint8Array;
  readonly tlvs?: Uint8Array;
  /** In place of what is there. */
  readonly length?: number;
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

export function proxyV1(source: string): Buffer {
  const [family, destination] = source.includes(":") ? ["TCP6", "::1"] : ["TCP4", "192.0.2.1"];
  return Buffer.from(`PROXY ${family} ${source} ${destination} 56324 5432\r\n`);
}

/** From an IPv4 address, unless `fields` say otherwise. */
export function proxyV2(source: string, fields: ProxyHeaderV2 = {}): Buffer {
  const addresses =
    fields.addresses ??
    Buffer.from([...source.split(".").map(Number), 192, 0, 2, 1, 0xdc, 0x04, 0x15, 0x38]);
  const tlvs = fields.tlvs ?? Buffer.alloc(0);
  const head = Buffer.alloc(4);
  head[0] = fields.command ?? 0x21;
  head[1] = fields.family ?? 0x11;
  head.writeUInt16BE(fields.length ?? addresses.length + tlvs.length, 2);
  return Buffer.concat([SIGNATURE, head, addresses, tlvs]);
}

export function tlv(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}
