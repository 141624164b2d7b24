/**
 * The opening of a channel as a link carries it: JSON, bytes in base64.
 */

import type { ChannelOpening, PortMode } from "./channel-opening.ts";
import type { TlsFacts } from "./tls-facts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** It is none: another version speaks. */
export class ChannelOpeningError extends Error {
  override readonly name = "ChannelOpeningError";

  constructor(field: string) {
    super(`the opening of a channel has no good ${field}`);
  }
}

/** Returns what {@link decodeChannelOpening} makes an opening of. */
export function encodeChannelOpening(opening: ChannelOpening): unknown {
  const { tls, early } = opening;
  return {
    ...opening,
    tls: tls === null ? null : encodeTls(tls),
    early: encodeBytes(early),
  };
}

/** @throws ChannelOpeningError */
export function decodeChannelOpening(value: unknown): ChannelOpening {
  if (!isFields(value)) throw new ChannelOpeningError("fields");
  return {
    portMode: portMode(value),
    protocolMinor: number(value, "protocolMinor"),
    parameters: pairs(value, "parameters"),
    optionsSettings: pairs(value, "optionsSettings"),
    protocolOptions: texts(value, "protocolOptions"),
    remoteAddress: text(value, "remoteAddress"),
    connectedForMs: number(value, "connectedForMs"),
    tls: value["tls"] === null ? null : decodeTls(value["tls"]),
    tenant: textOrNull(value, "tenant"),
    user: text(value, "user"),
    claim: text(value, "claim"),
    waysTried: texts(value, "waysTried"),
    early: bytesOrNull(value, "early"),
  };
}

function encodeTls(tls: TlsFacts): Fields {
  return {
    ...tls,
    serverCertificateHash: encodeBytes(tls.serverCertificateHash),
    peerCertificate: encodeBytes(tls.peerCertificate),
  };
}

function decodeTls(value: unknown): TlsFacts {
  if (!isFields(value)) throw new ChannelOpeningError("tls");
  return {
    serverName: textOrNull(value, "serverName"),
    alpn: textOrNull(value, "alpn"),
    version: text(value, "version"),
    serverCertificateHash: bytesOrNull(value, "serverCertificateHash"),
    peerCertificate: bytesOrNull(value, "peerCertificate"),
  };
}

function encodeBytes(bytes: Uint8Array | null): string | null {
  return bytes === null
    ? null
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function portMode(fields: Fields): PortMode {
  const mode = fields["portMode"];
  if (mode === "transaction" || mode === "session" || mode === "native") return mode;
  throw new ChannelOpeningError("portMode");
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new ChannelOpeningError(name);
  return value;
}

function textOrNull(fields: Fields, name: string): string | null {
  return fields[name] === null ? null : text(fields, name);
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new ChannelOpeningError(name);
  return value;
}

function bytesOrNull(fields: Fields, name: string): Uint8Array | null {
  const value = textOrNull(fields, name);
  return value === null ? null : new Uint8Array(Buffer.from(value, "base64"));
}

function texts(fields: Fields, name: string): readonly string[] {
  const value: unknown = fields[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
    throw new ChannelOpeningError(name);
  return value;
}

function pairs(fields: Fields, name: string): readonly (readonly [string, string])[] {
  const value: unknown = fields[name];
  if (!Array.isArray(value)) throw new ChannelOpeningError(name);
  return value.map((item: unknown) => {
    if (!Array.isArray(item) || item.length !== 2) throw new ChannelOpeningError(name);
    const [key, named]: readonly unknown[] = item;
    if (typeof key !== "string" || typeof named !== "string") throw new ChannelOpeningError(name);
    return [key, named];
  });
}
