import { describe, expect, test } from "bun:test";
import { SecretBox, SecretNotOpenedError } from "../../src/tenants/secret-box.ts";
import { KEY, random } from "./secret-fixtures.ts";

const OWNER = { externalId: "acme", dbUserAlias: "app" };

describe("SecretBox", () => {
  test.each(["hunter2", "", "ünïcödé 🔑", "x".repeat(1024)])(
    "opens what it sealed: %p",
    (secret) => {
      const box = new SecretBox(KEY, random);
      expect(box.open(box.seal(secret, OWNER), OWNER)).toBe(secret);
    },
  );

  test("opens what another box with the same key sealed", () => {
    const sealed = new SecretBox(KEY, random).seal("hunter2", OWNER);
    expect(new SecretBox(KEY, random).open(sealed, OWNER)).toBe("hunter2");
  });

  test("opens what the first version sealed", () => {
    const fixed = { bytes: (count: number) => new Uint8Array(count).fill(7) };
    // Made with WebCrypto's AES-GCM of Node.js, as the layout says.
    const sealed = "v1.BwcHBwcHBwcHBwcH3PeZc2rgdgjD3PKndukMF1Rr1ltlkwU";
    expect(new SecretBox(KEY, fixed).seal("hunter2", OWNER)).toBe(sealed);
    expect(new SecretBox(KEY, random).open(sealed, OWNER)).toBe("hunter2");
  });

  test("seals the same secret differently each time", () => {
    const box = new SecretBox(KEY, random);
    expect(box.seal("hunter2", OWNER)).not.toBe(box.seal("hunter2", OWNER));
  });

  test("refuses another key, and names the setting but no secret", () => {
    const sealed = new SecretBox(KEY, random).seal("hunter2", OWNER);
    const other = new SecretBox(Buffer.from("x".repeat(32)), random);
    expect(() => other.open(sealed, OWNER)).toThrow(SecretNotOpenedError);
    expect(() => other.open(sealed, OWNER)).toThrow("VAULT_ENC_KEY");
    expect(new SecretNotOpenedError(OWNER).message).not.toContain("hunter2");
  });

  test.each([
    { externalId: "acme", dbUserAlias: "other" },
    { externalId: "other", dbUserAlias: "app" },
    { externalId: "acmea", dbUserAlias: "pp" },
  ])("refuses to open for another owner: %p", (owner) => {
    const box = new SecretBox(KEY, random);
    const sealed = box.seal("hunter2", OWNER);
    expect(() => box.open(sealed, owner)).toThrow(SecretNotOpenedError);
  });

  test("refuses a secret with any bit turned", () => {
    const box = new SecretBox(KEY, random);
    const bytes = Buffer.from(box.seal("hunter2", OWNER).slice(3), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const turned = Buffer.from(bytes);
      turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const sealed = `v1.${turned.toString("base64url")}`;
      expect(() => box.open(sealed, OWNER)).toThrow(SecretNotOpenedError);
    }
  });

  test("refuses a secret cut at any place", () => {
    const box = new SecretBox(KEY, random);
    const sealed = box.seal("hunter2", OWNER);
    for (let end = 0; end < sealed.length - 1; end += 1)
      expect(() => box.open(sealed.slice(0, end), OWNER)).toThrow(SecretNotOpenedError);
  });

  test.each(["hunter2", "", "v2.AAAA", "v1.", "v1.****"])(
    "refuses what is no secret: %p",
    (text) => {
      expect(() => new SecretBox(KEY, random).open(text, OWNER)).toThrow(SecretNotOpenedError);
    },
  );

  test("refuses a key of another length", () => {
    expect(() => new SecretBox(new Uint8Array(16), random)).toThrow("32 bytes");
  });
});
