import { describe, expect, test } from "bun:test";
import { ScramExchange } from "../../bench/load/password-exchange.ts";

describe("ScramExchange", () => {
  test("proves itself under the nonce and salt of the server", () => {
    const exchange = new ScramExchange("pencil");
    const nonce = exchange.clientFirst().replace("n,,n=,r=", "");
    const final = exchange.clientFinal(`r=${nonce}server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
    expect(final).toStartWith(`c=biws,r=${nonce}server,p=`);
  });

  test("never repeats its nonce", () => {
    expect(new ScramExchange("a").clientFirst()).not.toBe(new ScramExchange("a").clientFirst());
  });

  test.each(["", "e=other-error", "r=abc,s=AAAA", "r=abc,s=AAAA,i=x"])("refuses %p", (first) => {
    expect(() => new ScramExchange("pencil").clientFinal(first)).toThrow("server-first-message");
  });

  test.each(["", "v=", "v=AAAA", `v=${Buffer.alloc(32).toString("base64")}`])(
    "refuses the server signature %p",
    (signature) => {
      const exchange = new ScramExchange("pencil");
      exchange.clientFinal("r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
      expect(() => exchange.verify(signature)).toThrow("signature is wrong");
    },
  );
});
