import { describe, expect, test } from "bun:test";
import { deallocatedName } from "../../../src/session/statements/deallocation.ts";

function read(text: string): string | null {
  const bytes = Buffer.from(`..${text}\0`);
  return deallocatedName(bytes, 2, bytes.length);
}

describe("deallocatedName", () => {
  test.each([
    ["deallocate one", "one"],
    ["DEALLOCATE PREPARE One;", "one"],
    ['  deallocate "One""s" ; ', 'One"s'],
    ["deallocate\n\tpdo_stmt_00000001", "pdo_stmt_00000001"],
    ['deallocate prepare "prepare"', "prepare"],
    ["deallocate prepare_it", "prepare_it"],
    ["deallocate \u00dcn$1", "\u00dcn$1"],
    ['deallocate "all"', "all"],
  ])("reads %p", (text, name) => {
    expect(read(text)).toBe(name);
  });

  test.each([
    "",
    "deallocate",
    "deallocate all",
    "deallocate prepare ALL;",
    "deallocate prepare",
    "deallocate 1a",
    "deallocate one two",
    "deallocate one; select 1",
    "select 1; deallocate one",
    "deallocate 'one'",
    'deallocate ""',
    'deallocate "one',
    "deallocate one -- why",
    "deallocated one",
    "discard all",
  ])("takes %p for something else", (text) => {
    expect(read(text)).toBeNull();
  });
});
