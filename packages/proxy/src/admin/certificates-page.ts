import type { JsonObject } from "@bufbuild/protobuf";
import { readCertificates } from "@heddle/identity";
import type { TlsConfig } from "../config/tls-context.ts";
import type { DataPlane } from "../proxy.ts";

const DAY_MS = 86_400_000;

/** `/certs`: every certificate in use by a listener or cluster, each pair of roots and chain once. Source: `envoy.admin.v3.Certificates`. */
export function certificatesPage(proxy: DataPlane, nowMs: number): JsonObject {
  const certificates: JsonObject[] = [];
  const seen = new Set<string>();
  for (const tls of tlsConfigs(proxy)) {
    const { certificate, validation } = tls;
    const pair = pairInUse(proxy, certificate);
    const shared = validation.sds === undefined ? undefined : proxy.secrets.validation(validation.sds);
    const roots = validation.own.trustedCa ?? shared?.trustedCa ?? "";
    const chain = pair?.certificateChain ?? "";
    const key = `${roots}|${chain}`;
    if (key === "|" || seen.has(key)) continue;
    seen.add(key);
    certificates.push({ ca_cert: details(roots, nowMs), cert_chain: details(chain, nowMs) });
  }
  return { certificates };
}

/** How long the first certificate of all is still valid; undefined: there is none. Units: ms. */
export function firstExpiryMs(proxy: DataPlane, nowMs: number): number | undefined {
  let first: number | undefined;
  for (const { certificate } of tlsConfigs(proxy)) {
    const pair = pairInUse(proxy, certificate);
    const read = pair === undefined ? undefined : readCertificates(pair.certificateChain);
    if (read === undefined || !read.ok) continue;
    for (const { notAfterMs } of read.value) first = Math.min(first ?? notAfterMs, notAfterMs);
  }
  return first === undefined ? undefined : first - nowMs;
}

/** Undefined: there is none, or it has not come yet. */
function pairInUse(proxy: DataPlane, certificate: TlsConfig["certificate"]) {
  switch (certificate.kind) {
    case "sds":
      return proxy.secrets.certificate(certificate.name);
    case "inline":
      return certificate.pair;
    default:
      return undefined;
  }
}

function* tlsConfigs(proxy: DataPlane): Iterable<TlsConfig> {
  for (const listener of proxy.listeners.all()) {
    for (const chain of listener.chains) if (chain.tls !== undefined) yield chain.tls;
    if (listener.defaultChain?.tls !== undefined) yield listener.defaultChain.tls;
  }
  for (const { config } of proxy.clusters.all()) {
    if (config.tls !== undefined) yield config.tls;
    for (const match of config.transportMatches) if (match.tls !== undefined) yield match.tls;
  }
}

function details(pem: string, nowMs: number): JsonObject[] {
  const read = pem === "" ? undefined : readCertificates(pem);
  if (read === undefined || !read.ok) return [];
  return read.value.map(({ x509, names, notBeforeMs, notAfterMs }) => ({
    serial_number: x509.serialNumber.toLowerCase(),
    subject_alt_names: [...names.uris.map((uri) => ({ uri })), ...names.dns.map((dns) => ({ dns }))],
    days_until_expiration: String(Math.max(0, Math.trunc((notAfterMs - nowMs) / DAY_MS))),
    valid_from: isoSeconds(notBeforeMs),
    expiration_time: isoSeconds(notAfterMs),
  }));
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
