import { createHash } from "node:crypto";
import { ja3Text, MAX_CLIENT_HELLO_BYTES, readClientHello, sniffProtocol } from "@heddle/wire";
import type { InspectionNeeds } from "../router/chain-matcher.ts";

/** What the first bytes of a connection say. */
export interface Inspection {
  readonly transportProtocol: "tls" | "raw_buffer";
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
  /** "" where nobody asks for it. */
  readonly ja3: string;
}

export const PLAIN: Inspection = { transportProtocol: "raw_buffer", serverName: "", applicationProtocols: [], ja3: "" };
const PLAIN_HTTP = {
  "http1.0": { ...PLAIN, applicationProtocols: ["http/1.0"] },
  http1: { ...PLAIN, applicationProtocols: ["http/1.1"] },
  http2: { ...PLAIN, applicationProtocols: ["h2c"] },
} as const;

/** Looks at the bytes that a connection began with; undefined while more are needed. Source: Envoy tls_inspector, http_inspector. */
export function inspect(bytes: Uint8Array, needs: InspectionNeeds): Inspection | undefined {
  if (bytes.length === 0) return undefined;
  const protocol = sniffProtocol(bytes);
  if (protocol === undefined) return undefined;
  if (protocol === "tls") {
    if (!needs.tls) return PLAIN;
    const hello = readClientHello(bytes);
    if (hello === undefined) return bytes.length > MAX_CLIENT_HELLO_BYTES ? PLAIN : undefined;
    if (!hello.ok) return PLAIN;
    const { serverName, alpn } = hello.value;
    const ja3 = needs.ja3 ? createHash("md5").update(ja3Text(bytes)).digest("hex") : "";
    return { transportProtocol: "tls", serverName, applicationProtocols: alpn, ja3 };
  }
  return needs.http && protocol !== "opaque" ? PLAIN_HTTP[protocol] : PLAIN;
}
