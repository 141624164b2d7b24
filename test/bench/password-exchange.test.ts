import { describe, expect, test } from "bun:test";
import { SaltedPasswords, ScramExchange } from "../../bench/load/password-exchange.ts";

function exchangeFor(password: string): ScramExchange {
  return new ScramExchange(password, new SaltedPasswords());
}

describe("SaltedPasswords", () => {
  test("derives a key anew for another password, salt or count", () => {
    const salted = new SaltedPasswords();
    const key = salted.derive("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
    expect(salted.derive("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096)).toBe(key);
    expect(salted.derive("pencils", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096)).not.toEqual(key);
    expect(salted.derive("pencil", "AAAAaJ0SNY7soEsUEjb6gQ==", 4096)).not.toEqual(key);
    expect(salted.derive("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 1)).not.toEqual(key);
  });
});

describe("ScramExchange", () => {
  test("proves itself under the nonce and salt of the server", () => {
    const exchange = exchangeFor("pencil");
    const nonce = exchange.clientFirst().replace("n,,n=,r=", "");
    const final = exchange.clientFinal(`r=${nonce}server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
    expect(final).toStartWith(`c=biws,r=${nonce}server,p=`);
  });

  test("never repeats its nonce", () => {
    expect(exchangeFor("a").clientFirst()).not.toBe(exchangeFor("a").clientFirst());
  });

  test.each(["", "e=other-error", "r=abc,s=AAAA", "r=abc,s=AAAA,i=x"])("refuses %p", (first) => {
    expect(() => exchangeFor("pencil").clientFinal(first)).toThrow("server-first-message");
  });

  test.each(["", "v=", "v=AAAA", `v=${Buffer.alloc(32).toString("base64")}`])(
    "refuses the server signature %p",
    (signature) => {
      const exchange = exchangeFor("pencil");
      exchange.clientFinal("r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
      expect(() => exchange.verify(signature)).toThrow("signature is wrong");
    },
  );
});
