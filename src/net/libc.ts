/**
 * The C library, for what the kernel offers and Bun does not. Linux only, glibc or musl.
 */

import { dlopen, type FFIFunction, type Library, read } from "bun:ffi";
import { constants } from "node:os";

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const ERRNO_LOCATION = { __errno_location: { args: [], returns: "ptr" } } as const;

/**
 * Returns these functions of the first library that is there; null where there is none that we know. A call
 * costs 0.9 µs.
 */
export function openLibc<Signatures extends Record<string, FFIFunction>>(
  signatures: Signatures,
  libraries: readonly string[] = LIBRARIES,
): Library<Signatures>["symbols"] | null {
  if (process.platform !== "linux") return null;
  for (const name of libraries) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // Not this C library. Without any we run on with what Bun offers.
    }
  }
  return null;
}

/**
 * Returns a function which names the error of the call before, as `EAGAIN`. To be asked at once: the next call
 * that fails, whosever it is, writes over it.
 */
export function openErrno(): (() => string) | null {
  const libc = openLibc(ERRNO_LOCATION);
  if (libc === null) return null;
  const { EWOULDBLOCK: _again, ...errno } = constants.errno; // another name of EAGAIN
  const names = new Map(Object.entries(errno).map(([name, number]) => [number, name]));
  return () => {
    // oxlint-disable-next-line no-underscore-dangle -- its name in the C library
    const place = libc.__errno_location();
    const number = place === null ? 0 : read.i32(place, 0);
    return names.get(number) ?? `errno ${number}`;
  };
}
