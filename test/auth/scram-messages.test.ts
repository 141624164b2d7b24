import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatChannelBinding,
  formatClientFinalMessage,
  formatClientFinalWithoutProof,
  parseClientFinalMessage,
} from "../../src/auth/client-final-message.ts";
import {
  formatClientFirstBare,
  formatGs2Header,
  parseClientFirstMessage,
} from "../../src/auth/client-first-message.ts";
import { SaslProtocolError } from "../../src/auth/sasl-protocol-error.ts";
import { decodeScramMessage, encodeScramMessage } from "../../src/auth/scram-message.ts";
import {
  formatServerFinalMessage,
  parseServerFinalMessage,
} from "../../src/auth/server-final-message.ts";
import {
  formatServerFirstMessage,
  parseServerFirstMessage,
} from "../../src/auth/server-first-message.ts";
import { ServerRejectionError } from "../../src/auth/server-rejection-error.ts";
import { UnsupportedSaslError } from "../../src/auth/unsupported-sasl-error.ts";
import { PoolerError } from "../../src/base/pooler-error.ts";
import { RFC_7677 } from "./rfc-7677.ts";

const PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const LONG_NUMBER = "9".repeat(100);

/** Tells whether `parse` takes `text`; throws what is neither a message nor a PoolerError. */
function takes(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof PoolerError) return false;
    throw error;
  }
}

describe("a SCRAM message", () => {
  test("keeps its bytes, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1024, min: 1 }), (message) => {
        const again = encodeScramMessage(decodeScramMessage(message));
        expect(Buffer.compare(again, message)).toBe(0);
      }),
    );
  });

  test("may be a view into a larger buffer", () => {
    const chunk = Buffer.from("before,n=,r=x,after");
    expect(decodeScramMessage(chunk.subarray(7, 13))).toBe("n=,r=x");
  });

  test.each([
    ["empty", new Uint8Array(0)],
    ["with a zero byte", Buffer.from("n,,n=,r=abc\0")],
    ["of 1025 bytes", Buffer.from(`n,,n=,r=${"a".repeat(1017)}`)],
  ])("is refused when %s", (_, message) => {
    expect(() => decodeScramMessage(message)).toThrow(SaslProtocolError);
  });
});

describe("client-first-message", () => {
  test("is read as RFC 7677 has it", () => {
    expect(parseClientFirstMessage(RFC_7677.clientFirst)).toEqual({
      flag: "n",
      nonce: "rOprNGfwEbeRWgbNEkqO",
      bare: "n=user,r=rOprNGfwEbeRWgbNEkqO",
    });
  });

  test.each(["n", "y", "p=tls-server-end-point"] as const)(
    "is written with the flag %s",
    (flag) => {
      const bare = formatClientFirstBare("abc");
      expect(bare).toBe("n=,r=abc");
      const text = `${formatGs2Header(flag)}${bare}`;
      expect(parseClientFirstMessage(text)).toEqual({ flag, nonce: "abc", bare });
    },
  );

  test.each([
    ["an empty user name, as libpq sends it", "n,,n=,r=abc"],
    ["escapes in the user name", "n,,n=a=2Cb=3D,r=abc"],
    ["optional extensions", "n,,n=,r=abc,x=1,Z="],
  ])("may have %s", (_, text) => {
    expect(parseClientFirstMessage(text).nonce).toBe("abc");
  });

  test.each(["n", "n,", "n,,", "n,,n=", "n,,n=,", "n,,n=,r", "n,,n=,r="])(
    "is refused when cut off: %j",
    (text) => {
      expect(() => parseClientFirstMessage(text)).toThrow(SaslProtocolError);
    },
  );

  test.each([
    ["an unknown flag", "x,,n=,r=abc"],
    ["a flag in upper case", "N,,n=,r=abc"],
    ["no flag", ",,n=,r=abc"],
    ["a binding without a type", "p,,n=,r=abc"],
    ["a binding with an empty type", "p=,,n=,r=abc"],
    ["a binding with a foreign character in its type", "p=tls unique,,n=,r=abc"],
    ["something else in place of the authzid", "n,b=x,n=,r=abc"],
    ["user and nonce in the wrong order", "n,,r=abc,n="],
    ["no user", "n,,r=abc"],
    ["another attribute before the nonce", "n,,n=,x=1,r=abc"],
    ["a nonce with a space", "n,,n=,r=a b"],
    ["a nonce with a byte beyond ASCII", "n,,n=,r=a\u00e9"],
    ["a nonce with a line break", "n,,n=,r=abc\n"],
    ["a malformed extension", "n,,n=,r=abc,1=x"],
    ["an extension without a value", "n,,n=,r=abc,x"],
    ["a comma at the end", "n,,n=,r=abc,"],
  ])("is refused with %s", (_, text) => {
    expect(() => parseClientFirstMessage(text)).toThrow(SaslProtocolError);
  });

  test.each([
    ["an authorization identity", "n,a=admin,n=,r=abc"],
    ["a mandatory extension", "n,,m=x,n=,r=abc"],
    ["a mandatory extension behind the rest", "n,,n=,r=abc,m=x"],
  ])("is refused as unsupported with %s", (_, text) => {
    expect(() => parseClientFirstMessage(text)).toThrow(UnsupportedSaslError);
  });
});

describe("server-first-message", () => {
  test("is read and written as RFC 7677 has it", () => {
    const message = parseServerFirstMessage(RFC_7677.serverFirst);
    expect(message.iterations).toBe(4096);
    expect(Buffer.from(message.salt).toString("base64")).toBe(RFC_7677.salt);
    expect(formatServerFirstMessage(message)).toBe(RFC_7677.serverFirst);
  });

  test("may have optional extensions", () => {
    expect(parseServerFirstMessage("r=a,s=c2FsdA==,i=1,x=y").iterations).toBe(1);
  });

  test.each([
    ["no nonce", "s=c2FsdA==,i=4096"],
    ["an empty nonce", "r=,s=c2FsdA==,i=4096"],
    ["no salt", "r=abc,i=4096"],
    ["an empty salt", "r=abc,s=,i=4096"],
    ["a salt that is no base64", "r=abc,s=c2Fs!A==,i=4096"],
    ["a salt without padding", "r=abc,s=c2FsdA,i=4096"],
    ["no iteration count", "r=abc,s=c2FsdA=="],
    ["an empty iteration count", "r=abc,s=c2FsdA==,i="],
    ["zero iterations", "r=abc,s=c2FsdA==,i=0"],
    ["negative iterations", "r=abc,s=c2FsdA==,i=-4096"],
    ["iterations in another notation", "r=abc,s=c2FsdA==,i=4e3"],
    ["iterations with a space", "r=abc,s=c2FsdA==,i= 4096"],
    ["iterations of a hundred digits", `r=abc,s=c2FsdA==,i=${LONG_NUMBER}`],
    ["an error, which belongs in the final message", "e=other-error"],
  ])("is refused with %s", (_, text) => {
    expect(() => parseServerFirstMessage(text)).toThrow(SaslProtocolError);
  });

  test("is refused as unsupported with a mandatory extension", () => {
    expect(() => parseServerFirstMessage("m=x,r=abc,s=c2FsdA==,i=1")).toThrow(UnsupportedSaslError);
  });
});

describe("client-final-message", () => {
  test("is read and written as RFC 7677 has it", () => {
    const message = parseClientFinalMessage(RFC_7677.clientFinal);
    expect(message.channelBinding).toBe("biws");
    expect(message.withoutProof).toBe(
      formatClientFinalWithoutProof(message.channelBinding, message.nonce),
    );
    expect(formatClientFinalMessage(message.withoutProof, message.proof)).toBe(
      RFC_7677.clientFinal,
    );
  });

  test("repeats the GS2 header, and the channel binding data behind it", () => {
    expect(formatChannelBinding("n,,", null)).toBe("biws");
    expect(formatChannelBinding("y,,", null)).toBe("eSws");
    const bound = formatChannelBinding("p=tls-server-end-point,,", Uint8Array.of(0, 255));
    expect(Buffer.from(bound, "base64").toString("latin1")).toBe(
      "p=tls-server-end-point,,\u0000\u00ff",
    );
  });

  test("counts optional extensions among what is signed", () => {
    const message = parseClientFinalMessage(`c=biws,r=abc,x=1,p=${PROOF}`);
    expect(message.withoutProof).toBe("c=biws,r=abc,x=1");
  });

  test.each([
    ["no channel binding", `r=abc,p=${PROOF}`],
    ["no nonce", `c=biws,p=${PROOF}`],
    ["no proof", "c=biws,r=abc"],
    ["an empty proof", "c=biws,r=abc,p="],
    ["a proof that is no base64", `c=biws,r=abc,p=${PROOF.replace("d", "*")}`],
    ["a proof of 31 bytes", `c=biws,r=abc,p=${Buffer.alloc(31).toString("base64")}`],
    ["a proof of 33 bytes", `c=biws,r=abc,p=${Buffer.alloc(33).toString("base64")}`],
    ["something behind the proof", `c=biws,r=abc,p=${PROOF},x=1`],
    ["two proofs", `c=biws,r=abc,p=${PROOF},p=${PROOF}`],
    ["a comma behind the proof", `c=biws,r=abc,p=${PROOF},`],
    ["nothing but a proof", `p=${PROOF}`],
    ["parts in the wrong order", `r=abc,c=biws,p=${PROOF}`],
  ])("is refused with %s", (_, text) => {
    expect(() => parseClientFinalMessage(text)).toThrow(SaslProtocolError);
  });
});

describe("server-final-message", () => {
  test("is read and written as RFC 7677 has it", () => {
    const signature = parseServerFinalMessage(RFC_7677.serverFinal);
    expect(formatServerFinalMessage(signature)).toBe(RFC_7677.serverFinal);
  });

  test.each([
    ["e=invalid-proof", "invalid-proof"],
    ["e=unknown-user,x=1", "unknown-user"],
    ["e=<script>", "other-error"],
    ["e=", "other-error"],
  ] as const)("reports a server's error: %s", (text, value) => {
    expect(() => parseServerFinalMessage(text)).toThrow(
      expect.objectContaining({ name: ServerRejectionError.name, value }),
    );
  });

  test.each([
    ["nothing of its own", "x=1"],
    ["an empty signature", "v="],
    ["a signature of 31 bytes", `v=${Buffer.alloc(31).toString("base64")}`],
    ["a signature that is no base64", "v=6rri TRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="],
    ["a malformed error", "e"],
  ])("is refused with %s", (_, text) => {
    expect(() => parseServerFinalMessage(text)).toThrow(SaslProtocolError);
  });
});

describe("every parser of SCRAM messages", () => {
  const PARSERS = [
    ["client-first-message", parseClientFirstMessage, RFC_7677.clientFirst],
    ["server-first-message", parseServerFirstMessage, RFC_7677.serverFirst],
    ["client-final-message", parseClientFinalMessage, RFC_7677.clientFinal],
    ["server-final-message", parseServerFinalMessage, RFC_7677.serverFinal],
  ] as const;

  test.each(PARSERS)("returns a message or a PoolerError, for any bytes: %s", (_, parse) => {
    const letters = fc.constantFrom(..."nrcpsivemxya=,/+0\u00e9\n".split(""));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: letters }), fc.string()), (text) => {
        expect(takes(parse, text)).toBeBoolean();
      }),
      { numRuns: 1000 },
    );
  });

  test.each(PARSERS)("takes no beginning of its message but the whole: %s", (_, parse, whole) => {
    const lengths = Array.from(whole, (_character, length) => length);
    // A shorter nonce or number is still one: those ends can't be told.
    const looksWhole = /,r=[^,]+$|,i=[0-9]+$/;
    const taken = lengths
      .map((length) => whole.slice(0, length))
      .filter((text) => takes(parse, text));
    expect(taken.filter((text) => !looksWhole.test(text))).toEqual([]);
    expect(takes(parse, whole)).toBeTrue();
  });
});
