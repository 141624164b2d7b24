import { describe, expect, test } from "bun:test";
import { ChannelBindingError } from "../../src/auth/channel-binding-error.ts";
import { InvalidPasswordError } from "../../src/auth/invalid-password-error.ts";
import { malformedScramMessage, SaslProtocolError } from "../../src/auth/sasl-protocol-error.ts";
import { ScramIterationsError } from "../../src/auth/scram-iterations-error.ts";
import {
  readScramErrorValue,
  ServerRejectionError,
} from "../../src/auth/server-rejection-error.ts";
import { ServerSignatureError } from "../../src/auth/server-signature-error.ts";
import { UnsupportedSaslError } from "../../src/auth/unsupported-sasl-error.ts";

describe("an error of authentication", () => {
  test.each([
    ["wrong password", new InvalidPasswordError(), "28P01"],
    ["protocol violation", new SaslProtocolError("x"), "08P01"],
    ["malformed message", malformedScramMessage("x"), "08P01"],
    ["unsupported feature", new UnsupportedSaslError("x"), "0A000"],
    ["channel binding", new ChannelBindingError("x"), "28000"],
    ["server signature", new ServerSignatureError(), "08001"],
    ["server's own error", new ServerRejectionError("invalid-proof"), "08004"],
    ["too many iterations", new ScramIterationsError(2, 1), "53400"],
  ])("ends the connection under its SQLSTATE: %s", (_, error, sqlstate) => {
    expect(error.severity).toBe("FATAL");
    expect(error.sqlstate).toBe(sqlstate);
    expect(error.name).toBe(error.constructor.name);
  });

  test("names both counts where a server asks for too many iterations", () => {
    const { detail } = new ScramIterationsError(200_000, 100_000);
    expect(detail).toBe("The server requires 200000 iterations, the limit is 100000.");
  });

  test("repeats nothing that a server made up", () => {
    expect(readScramErrorValue("unknown-user")).toBe("unknown-user");
    expect(readScramErrorValue("Unknown-User")).toBe("other-error");
    expect(readScramErrorValue("\u001b[2J")).toBe("other-error");
  });
});
