import { describe, expect, test } from "bun:test";
import {
  openCloakSecret,
  SupavisorKeyError,
  supavisorKey,
} from "../../../src/control/supavisor/cloak-secret.ts";
import { SUPAVISOR_KEY, sealAsCloak } from "../../support/supavisor.ts";

const key = Buffer.from(SUPAVISOR_KEY);

describe("a password that Supavisor sealed", () => {
  test.each(["hunter2", "", "pässwörd \u{1f511}", "x".repeat(1024)])("opens: %j", (password) => {
    expect(openCloakSecret(sealAsCloak(password), key)).toBe(password);
  });

  test("opens with an IV of 12 bytes too", () => {
    expect(openCloakSecret(sealAsCloak("hunter2", { ivBytes: 12 }), key)).toBe("hunter2");
  });

  test("does not open with another key", () => {
    expect(openCloakSecret(sealAsCloak("hunter2"), Buffer.alloc(32, "x"))).toBeNull();
  });

  test("does not open when any of its bytes is another", () => {
    const sealed = sealAsCloak("hunter2");
    for (let index = 0; index < sealed.length; index += 1) {
      const altered = Buffer.from(sealed);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(openCloakSecret(altered, key)).toBeNull();
    }
  });

  test("does not open when it is cut anywhere", () => {
    const sealed = sealAsCloak("hunter2");
    for (let length = 0; length < sealed.length; length += 1)
      expect(openCloakSecret(sealed.subarray(0, length), key)).toBeNull();
  });

  test("does not open under another tag of a key", () => {
    expect(openCloakSecret(sealAsCloak("hunter2", { tag: "AES.GCM.V2" }), key)).toBeNull();
  });

  test("does not open where it is no text", () => {
    expect(openCloakSecret(sealAsCloak(Buffer.from([0xff, 0xfe])), key)).toBeNull();
  });
});

describe("the key of Supavisor", () => {
  test.each([null, "", "short", "x".repeat(33)])("is refused: %j", (text) => {
    expect(() => supavisorKey(text)).toThrow(SupavisorKeyError);
  });

  test("is never in what is said of it", () => {
    expect(() => supavisorKey("hunter2")).not.toThrow("hunter2");
  });
});
