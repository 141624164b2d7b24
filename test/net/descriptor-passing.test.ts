import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AssertionError } from "../../src/base/assert.ts";
import {
  DamagedParcelError,
  DescriptorPassing,
  DescriptorPassingError,
  PARCEL_BYTES_MAX,
  PARCEL_DESCRIPTORS_MAX,
} from "../../src/net/descriptor-passing.ts";
import { present } from "../support/present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const NOTHING = new Uint8Array(0);

/** Where this is null, nothing is passed on, and who asks for it is told so. */
const passing = DescriptorPassing.forThisSystem();

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A file that reads `contents`. */
function openFile(contents: string): number {
  const path = join(folder.path, `file-${contents}`);
  writeFileSync(path, contents);
  return openSync(path, "r");
}

function readFile(descriptor: number): string {
  const bytes = new Uint8Array(100);
  return new TextDecoder().decode(bytes.subarray(0, readSync(descriptor, bytes, 0, 100, 0)));
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe.if(passing !== null)("DescriptorPassing", () => {
  let openInbox: DescriptorPassing["openInbox"];
  let post: DescriptorPassing["post"];

  beforeAll(() => {
    const bound = present(passing);
    openInbox = bound.openInbox.bind(bound);
    post = bound.post.bind(bound);
  });

  test("passes files on, in order, with what is said of them", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const [one, two] = [openFile("one"), openFile("two")];
    expect(post(inbox.path, text("both"), [one, two])).toBe("sent");
    closeSync(one); // what is on its way stays open
    closeSync(two);
    const parcel = present(inbox.receive());
    expect(parcel.payload).toEqual(text("both"));
    expect(parcel.descriptors.map(readFile)).toEqual(["one", "two"]);
    for (const descriptor of parcel.descriptors) closeSync(descriptor);
    inbox.close();
  });

  test("passes as many as one parcel may have", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const file = openFile("many");
    const before = openDescriptors();
    const payload = new Uint8Array(PARCEL_BYTES_MAX).fill(7);
    expect(post(inbox.path, payload, Array(PARCEL_DESCRIPTORS_MAX).fill(file))).toBe("sent");
    const parcel = present(inbox.receive());
    expect(parcel.payload).toEqual(payload);
    expect(parcel.descriptors).toHaveLength(PARCEL_DESCRIPTORS_MAX);
    for (const descriptor of parcel.descriptors) closeSync(descriptor);
    expect(openDescriptors()).toBe(before);
    closeSync(file);
    inbox.close();
  });

  test("passes words alone, and says when nothing is there", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    expect(inbox.receive()).toBeNull();
    expect(post(inbox.path, text("READY=1"), [])).toBe("sent");
    expect(inbox.receive()).toEqual({ payload: text("READY=1"), descriptors: [] });
    expect(inbox.receive()).toBeNull();
    inbox.close();
  });

  test("passes a file without words", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const file = openFile("alone");
    expect(post(inbox.path, NOTHING, [file])).toBe("sent");
    const parcel = present(inbox.receive());
    expect(parcel.payload).toEqual(NOTHING);
    expect(parcel.descriptors.map(readFile)).toEqual(["alone"]);
    for (const descriptor of [file, ...parcel.descriptors]) closeSync(descriptor);
    inbox.close();
  });

  test("finds an inbox with an abstract name", () => {
    const name = `@carpool-test-${process.pid}`;
    const inbox = openInbox(name);
    expect(post(name, text("abstract"), [])).toBe("sent");
    expect(inbox.receive()?.payload).toEqual(text("abstract"));
    inbox.close();
    expect(post(name, text("abstract"), [])).toBe("gone");
  });

  test("lets nobody else send, and leaves nothing behind", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    expect(statSync(inbox.path).mode & 0o777).toBe(0o600);
    inbox.close();
    inbox.close();
    expect(existsSync(inbox.path)).toBe(false);
  });

  test("says that the receiver is gone, or never was there", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    inbox.close();
    expect(post(inbox.path, text("late"), [])).toBe("gone");
    writeFileSync(join(folder.path, "a-file"), "");
    expect(post(join(folder.path, "a-file"), text("no socket"), [])).toBe("gone");
    expect(post(join(folder.path, "a-file/below"), text("no folder"), [])).toBe("gone");
  });

  test("says that the receiver's queue is full, and goes on when it has fetched", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const file = openFile("full");
    let sent = 0;
    while (post(inbox.path, text("one more"), [file]) === "sent") sent += 1;
    expect(sent).toBeGreaterThan(0);
    const parcel = present(inbox.receive());
    for (const descriptor of parcel.descriptors) closeSync(descriptor);
    expect(post(inbox.path, text("one more"), [file])).toBe("sent");
    closeSync(file);
    inbox.close();
  });

  test("closes what nobody fetched", () => {
    const before = openDescriptors();
    const inbox = openInbox(join(folder.path, "inbox"));
    const file = openFile("left");
    post(inbox.path, text("left"), [file]);
    closeSync(file);
    inbox.close();
    expect(openDescriptors()).toBe(before);
  });

  test("closes all of a parcel that has more than one may have", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const file = openFile("torn");
    const before = openDescriptors();
    const narrow = { bytesMax: 4, descriptorsMax: 1 };
    post(inbox.path, text("torn"), [file, file, file]);
    expect(() => inbox.receive(narrow)).toThrow(DamagedParcelError);
    post(inbox.path, text("too long"), [file]);
    expect(() => inbox.receive(narrow)).toThrow(DamagedParcelError);
    expect(openDescriptors()).toBe(before);
    post(inbox.path, text("fits"), []);
    expect(inbox.receive(narrow)?.payload).toEqual(text("fits"));
    closeSync(file);
    inbox.close();
  });

  test("refuses a descriptor that is not open, and sends none of the others", () => {
    const inbox = openInbox(join(folder.path, "inbox"));
    const notOpen = 1_000_000;
    expect(() => post(inbox.path, text("shut"), [0, notOpen])).toThrow(DescriptorPassingError);
    expect(inbox.receive()).toBeNull();
    inbox.close();
  });

  test("finds an inbox at a path that is longer than an address may be", () => {
    const before = openDescriptors();
    const deep = join(folder.path, "x".repeat(100), "y".repeat(100));
    mkdirSync(deep, { recursive: true });
    const inbox = openInbox(join(deep, "inbox"));
    expect(post(inbox.path, text("deep"), [])).toBe("sent");
    expect(inbox.receive()?.payload).toEqual(text("deep"));
    inbox.close();
    expect(existsSync(inbox.path)).toBe(false);
    expect(openDescriptors()).toBe(before);
  });

  test("refuses paths that no socket can have", () => {
    const long = join(folder.path, "x".repeat(120));
    expect(() => openInbox(long)).toThrow(DescriptorPassingError);
    expect(() => openInbox(`@${long}`)).toThrow(DescriptorPassingError);
    expect(() => openInbox(join(long, "no/such/folder"))).toThrow("ENOENT");
    expect(() => post(long, text("long"), [])).toThrow(DescriptorPassingError);
    expect(() => post("", text("empty"), [])).toThrow(DescriptorPassingError);
    expect(() => openInbox(join(folder.path, "no/such/folder"))).toThrow("ENOENT");
  });

  test("refuses to take a path that somebody has", () => {
    const before = openDescriptors();
    const inbox = openInbox(join(folder.path, "inbox"));
    expect(() => openInbox(inbox.path)).toThrow("EADDRINUSE");
    inbox.close();
    expect(openDescriptors()).toBe(before);
  });

  test("refuses more than one parcel may have", () => {
    const path = join(folder.path, "inbox");
    const many = Array(PARCEL_DESCRIPTORS_MAX + 1).fill(0);
    expect(() => post(path, NOTHING, many)).toThrow(AssertionError);
    expect(() => post(path, new Uint8Array(PARCEL_BYTES_MAX + 1), [])).toThrow(AssertionError);
  });
});
