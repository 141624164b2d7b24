/**
 * Does the server do TLS as the tenant wants it, and does its certificate prove what is demanded?
 */

import type { ProbeFailure, ProbeFailureKind } from "../../proxy/probe/probe-failure.ts";
import type { ShownCertificate } from "../../proxy/probe/server-probe.ts";
import type { ServerAddress } from "../../proxy/server/server-address.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

type Tls = NonNullable<ServerAddress["tls"]>;

const DAY_MS = 86_400_000;
/** Time enough to have a certificate renewed by hand. */
const EXPIRY_WARNING_DAYS = 21;

const UNCHECKED: Tls = { verification: "none", certificateAuthority: null };

const ADVICE: Partial<Record<ProbeFailureKind, string>> = {
  "no TLS": "Turn on ssl in postgresql.conf, or set upstream_ssl of the tenant to false.",
  "certificate expired": "Renew the server's certificate, and reload PostgreSQL.",
  "certificate not yet valid":
    "Check the clocks of this machine and of the one that made the certificate.",
  "certificate of another host":
    "Set db_host to a name that the certificate bears, have it made for db_host, or set upstream_verify to peer: then the name is not compared.",
  "certificate of an unknown authority":
    "Put the authority's certificate into upstream_tls_ca (or GLOBAL_UPSTREAM_CA_PATH); of a self-signed one, itself.",
  "unusable CA certificate":
    "Put PEM into upstream_tls_ca, or into the file of GLOBAL_UPSTREAM_CA_PATH.",
  "TLS timed out":
    "Check that PostgreSQL answers at db_host and db_port, and that it is not overloaded.",
  "not PostgreSQL":
    "Check that db_host and db_port lead to a PostgreSQL, and not to another service.",
};

const OTHER_ADVICE = "Check ssl, ssl_min_protocol_version and the certificate of PostgreSQL.";

/** Returns findings; a problem among them means that no server can be opened. `addresses`: those of the host. */
export async function checkTls(
  examination: Examination,
  addresses: readonly string[],
): Promise<readonly Finding[]> {
  const { tls } = examination.address;
  return tls === null ? checkWithout(examination, addresses) : checkWith(examination, tls);
}

/** Whether the tenant could have TLS, and does not. */
async function checkWithout(
  { address, probe }: Examination,
  addresses: readonly string[],
): Promise<readonly Finding[]> {
  const findings = new Findings("TLS", "whether the server offers it; upstream_ssl is false");
  const outcome = await probe.secure({ ...address, tls: UNCHECKED });
  if (!outcome.ok) {
    const { kind } = outcome.failure;
    if (kind === "not PostgreSQL") return [findings.problem(kind, ADVICE[kind] ?? OTHER_ADVICE)];
    return [findings.ok("it does not, and the tenant does not ask for it")];
  }
  if (addresses.every(isLoopback))
    return [findings.ok("it does; the connection stays on this machine")];
  return [
    findings.warning(
      "it does, but queries and rows cross the network unencrypted",
      "Set upstream_ssl to true, and upstream_verify to full with the authority's certificate in upstream_tls_ca.",
    ),
  ];
}

async function checkWith(examination: Examination, tls: Tls): Promise<readonly Finding[]> {
  const { address, probe } = examination;
  const whose = address.tls?.verification === "full" ? ` for ${address.hostname}` : "";
  const findings = new Findings(
    "TLS",
    `a handshake with upstream_verify ${tls.verification}${whose}`,
  );
  const outcome = await probe.secure(address);
  if (!outcome.ok) return [await refused(examination, outcome.failure, findings)];
  const shown = outcome.value;
  const found = `${shown?.tlsVersion ?? "TLS"}, ${describe(shown)}`;
  const unverified =
    tls.verification === "none"
      ? [
          findings.warning(
            "whoever stands between here and the server can pose as it",
            "Set upstream_verify to full, and upstream_tls_ca to the certificate of the server's authority.",
          ),
        ]
      : [];
  return [findings.ok(found), ...unverified, ...expiry(examination, shown, findings)];
}

/** What the server shows says more than that it was refused: it is looked at without any demand. */
async function refused(
  { address, probe }: Examination,
  { kind, message }: ProbeFailure,
  findings: Findings,
): Promise<Finding> {
  const advice = ADVICE[kind] ?? OTHER_ADVICE;
  if (!kind.startsWith("certificate")) return findings.problem(`${kind}: ${message}`, advice);
  const shown = await probe.secure({ ...address, tls: UNCHECKED });
  const found = shown.ok ? `${kind}: ${describe(shown.value)}` : kind;
  return findings.problem(found, advice);
}

function expiry(
  { wallClock }: Examination,
  shown: ShownCertificate | null,
  findings: Findings,
): readonly Finding[] {
  if (shown === null) return [];
  // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
  const days = Math.floor((shown.validUntilMs - Date.parse(wallClock.iso())) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return [];
  const found =
    days < 0 ? "the certificate has expired" : `the certificate expires in ${days} days`;
  return [findings.warning(found, "Renew the server's certificate, and reload PostgreSQL.")];
}

function describe(shown: ShownCertificate | null): string {
  if (shown === null) return "no certificate was shown";
  // oxlint-disable-next-line no-restricted-globals -- converts a number and reads no clock
  const until = new Date(shown.validUntilMs).toISOString().slice(0, 10);
  return `the certificate is for ${shown.subject}, issued by ${shown.issuer}, valid until ${until}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
