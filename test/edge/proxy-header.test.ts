import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { crc32cWithout } from "../../src/edge/crc32c.ts";
import type { ProxyHeader } from "../../src/edge/proxy-header.ts";
import { proxyBeginning, readProxyHeader } from "../../src/edge/read-proxy-header.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";
import { proxyV1, proxyV2, tlv } from "../support/proxy-headers.ts";

/** What the bytes begin with, or "more", or "none"; a broken header throws. */
function read(bytes: Uint8Array): ProxyHeader | "more" | "none" {
  const beginning = proxyBeginning(bytes);
  if (beginning === "none") return "none";
  if (beginning === "unknown") return "more";
  return readProxyHeader(bytes, beginning) ?? "more";
}

function line(text: string): Uint8Array {
  return Buffer.from(`PROXY ${text}\r\n`);
}

/** A PROXY command of TCP over IPv4 with a checksum that is right for what is before and behind it. */
function withChecksum(before: Uint8Array, behind: Uint8Array): Buffer {
  const tlvs = Buffer.concat([before, tlv(0x03, Buffer.alloc(4)), behind]);
  const header = proxyV2("203.0.113.9", { tlvs });
  const at = 28 + before.length + 3;
  header.writeUInt32BE(crc32cWithout(header, header.length, at), at);
  return header;
}

describe("a whole header", () => {
  const ipv6 = Buffer.from(
    "20010db800000000000000000000000720010db8000000000000000000000001dc041538",
    "hex",
  );
  const mapped = Buffer.from("00000000000000000000ffffc0000207".repeat(2) + "dc041538", "hex");
  const headers: readonly (readonly [string, Uint8Array, string | null])[] = [
    ["v1 of IPv4", proxyV1("203.0.113.9"), "203.0.113.9"],
    ["v1 of IPv6", proxyV1("2001:DB8::7"), "2001:db8::7"],
    ["v1 of mapped IPv4", proxyV1("::ffff:192.0.2.7"), "192.0.2.7"],
    ["v1 of nobody known", line("UNKNOWN"), null],
    ["v1 of nobody known with more", line("UNKNOWN ffff::1 what ever"), null],
    ["the longest v1", line(`UNKNOWN ${"f".repeat(107 - 16)}`), null],
    ["v2 of IPv4", proxyV2("203.0.113.9"), "203.0.113.9"],
    ["v2 of IPv6", proxyV2("", { family: 0x21, addresses: ipv6 }), "2001:db8::7"],
    ["v2 of mapped IPv4", proxyV2("", { family: 0x21, addresses: mapped }), "192.0.2.7"],
    ["v2 of a unix socket", proxyV2("", { family: 0x31, addresses: Buffer.alloc(216, 47) }), null],
    ["v2 of an unknown family", proxyV2("", { family: 0, addresses: Buffer.alloc(0) }), null],
    ["v2 LOCAL", proxyV2("", { command: 0x20, family: 0, addresses: Buffer.alloc(0) }), null],
    ["v2 LOCAL with what is to be discarded", proxyV2("9.9.9.9", { command: 0x20 }), null],
    [
      "v2 LOCAL of a family that nobody knows",
      proxyV2("9.9.9.9", { command: 0x20, family: 0x77 }),
      null,
    ],
    [
      "v2 with TLVs",
      proxyV2("203.0.113.9", { tlvs: tlv(0xea, Buffer.from("vpce-1")) }),
      "203.0.113.9",
    ],
    [
      "v2 with an empty TLV",
      proxyV2("203.0.113.9", { tlvs: tlv(4, Buffer.alloc(0)) }),
      "203.0.113.9",
    ],
    [
      "v2 with a checksum",
      withChecksum(tlv(2, Buffer.from("db")), tlv(4, Buffer.alloc(9))),
      "203.0.113.9",
    ],
    [
      "the largest v2",
      proxyV2("203.0.113.9", { tlvs: tlv(4, Buffer.alloc(16_384 - 28 - 3)) }),
      "203.0.113.9",
    ],
  ];

  test.each(headers)("%s says who", (_name, header, source) => {
    expect(read(header)).toEqual({ length: header.length, source });
  });

  test.each(headers)("%s ends where it ends, whatever follows", (_name, header, source) => {
    const followed = Buffer.concat([header, Buffer.from("\r\n\r\nPROXY TCP4 1.1.1.1")]);
    expect(read(followed)).toEqual({ length: header.length, source });
  });

  test.each(headers)("%s asks for more until its last byte", (_name, header) => {
    for (let length = 0; length < header.length; length += header.length > 1000 ? 97 : 1)
      expect(read(header.subarray(0, length))).toBe("more");
  });

  test("its checksum is CRC32C as RFC 3720 has it", () => {
    // Appendix B.4: 32 bytes of zeros, of ones, and 0 to 31; the blank lies beyond them.
    expect(crc32cWithout(Buffer.alloc(32), 32, 99)).toBe(0x8a9136aa);
    expect(crc32cWithout(Buffer.alloc(32, 0xff), 32, 99)).toBe(0x62a8ab43);
    expect(
      crc32cWithout(
        Uint8Array.from({ length: 32 }, (_, at) => at),
        32,
        99,
      ),
    ).toBe(0x46dd794e);
  });
});

describe("a broken header is refused", () => {
  test.each([
    ["a family of version 1 that there is not", line("TCP5 1.1.1.1 2.2.2.2 1 2")],
    ["no addresses", line("TCP4")],
    ["an IPv6 address where IPv4 is said", line("TCP4 ::1 ::2 1 2")],
    ["an IPv4 address where IPv6 is said", line("TCP6 1.1.1.1 2.2.2.2 1 2")],
    ["an address with a zone", line("TCP6 fe80::1%eth0 fe80::2 1 2")],
    ["an octet that is none", line("TCP4 1.1.1.256 2.2.2.2 1 2")],
    ["an octal octet", line("TCP4 1.1.1.01 2.2.2.2 1 2")],
    ["a destination that is no address", line("TCP4 1.1.1.1 somewhere 1 2")],
    ["a port too large", line("TCP4 1.1.1.1 2.2.2.2 65536 2")],
    ["a port with a sign", line("TCP4 1.1.1.1 2.2.2.2 +1 2")],
    ["a port that is missing", line("TCP4 1.1.1.1 2.2.2.2 1")],
    ["a word too many", line("TCP4 1.1.1.1 2.2.2.2 1 2 3")],
    ["two spaces", line("TCP4  1.1.1.1 2.2.2.2 1 2")],
    ["a line feed alone inside", line("TCP4 1.1.1.1 2.2.2.2 1 2\nX")],
    ["lower case", line("tcp4 1.1.1.1 2.2.2.2 1 2")],
    ["no end within 107 bytes", Buffer.from(`PROXY UNKNOWN ${"f".repeat(107 - 14)}`)],
    ["an end one byte too late", line(`UNKNOWN ${"f".repeat(107 - 15)}`)],
    ["version 3", proxyV2("1.1.1.1", { command: 0x31 })],
    ["version 1 in the form of 2", proxyV2("1.1.1.1", { command: 0x11 })],
    ["a command that there is not", proxyV2("1.1.1.1", { command: 0x22 })],
    ["datagrams over IPv4", proxyV2("1.1.1.1", { family: 0x12 })],
    ["IPv4 of an unknown transport", proxyV2("1.1.1.1", { family: 0x10 })],
    ["a family that there is not", proxyV2("1.1.1.1", { family: 0x41 })],
    ["too few bytes for IPv4", proxyV2("1.1.1.1", { length: 11 })],
    ["too few bytes for IPv6", proxyV2("1.1.1.1", { family: 0x21 })],
    ["too many bytes", proxyV2("1.1.1.1", { length: 16_385 - 16 })],
    ["too many bytes of a LOCAL command", proxyV2("1.1.1.1", { command: 0x20, length: 65_535 })],
    ["a TLV that is cut off in its head", proxyV2("1.1.1.1", { tlvs: Buffer.from([4, 0]) })],
    ["a TLV that is cut off in its value", proxyV2("1.1.1.1", { tlvs: Buffer.from([4, 0, 2, 1]) })],
    ["a checksum of two bytes", proxyV2("1.1.1.1", { tlvs: tlv(3, Buffer.alloc(2)) })],
    ["a checksum that is wrong", proxyV2("1.1.1.1", { tlvs: tlv(3, Buffer.from("abcd")) })],
  ])("%s", (_name, header) => {
    expect(() => read(header)).toThrow(ProtocolError);
  });

  test("with any bit turned where a checksum is", () => {
    const header = withChecksum(tlv(2, Buffer.from("db.example")), Buffer.alloc(0));
    // Behind the signature; of version, command, family and length the checksum is not needed to tell.
    for (let bit = 16 * 8; bit < header.length * 8; bit += 1) {
      const damaged = Buffer.from(header);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A TLV of another type, or of another length, hides the checksum or is cut off.
      const outcome = outcomeOf(damaged);
      const checksumHidden = bit >> 3 >= 28;
      if (!checksumHidden) expect(outcome).toBe("refused");
      else expect(["refused", "203.0.113.9"]).toContain(outcome);
    }
  });

  test("and what is no header is none", () => {
    for (const text of [
      "GET / HTTP/1.1",
      "POST / HTTP/1.1",
      "\x16\x03\x01",
      "\0\0\0\x08",
      "\r\n\r\n\0\r\nQUIX",
    ])
      expect(read(Buffer.from(text, "latin1"))).toBe("none");
  });
});

function outcomeOf(bytes: Uint8Array): string {
  try {
    const header = read(bytes);
    return typeof header === "string" ? header : String(header.source);
  } catch (error) {
    if (error instanceof ProtocolError) return "refused";
    throw error;
  }
}

describe("any bytes", () => {
  const whole = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 120 }).map((text) => Buffer.from(`PROXY ${text}\r\n`)),
    fc
      .record({
        command: fc.constantFrom(0x20, 0x21, 0x21, 0x2f),
        family: fc.constantFrom(0x00, 0x11, 0x21, 0x31, 0x12),
        addresses: fc.uint8Array({ maxLength: 300 }),
        tlvs: fc.uint8Array({ maxLength: 40 }),
      })
      .map((fields) => proxyV2("", fields)),
  );

  test("are a header, none, the beginning of one, or refused; never more than there are", () => {
    fc.assert(
      fc.property(whole, (bytes) => {
        const outcome = outcomeOf(bytes);
        if (outcome === "refused" || outcome === "more" || outcome === "none") return;
        const header = read(bytes);
        if (typeof header === "string") throw new Error("two readings differ");
        expect(header.length).toBeLessThanOrEqual(bytes.length);
        expect(header.length).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });

  test("mean the same however many have come: what was decided stays so", () => {
    fc.assert(
      fc.property(whole, fc.uint8Array({ maxLength: 20 }), (bytes, behind) => {
        const decided = [];
        for (let length = 0; length <= bytes.length; length += 1) {
          const outcome = outcomeOf(bytes.subarray(0, length));
          if (outcome !== "more") decided.push(outcome);
        }
        const all = outcomeOf(bytes);
        expect(new Set(decided).size).toBeLessThanOrEqual(1);
        if (all !== "more") expect(outcomeOf(Buffer.concat([bytes, behind]))).toBe(all);
      }),
      { numRuns: 300 },
    );
  });
});
