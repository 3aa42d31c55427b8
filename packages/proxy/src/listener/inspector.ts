import { createHash } from "node:crypto";
import { ja3Text, ja4Parts, MAX_CLIENT_HELLO_BYTES, readClientHello, sniffProtocol } from "@heddle/wire";
import type { InspectionNeeds } from "../router/chain-matcher.ts";

/** What the first bytes of a connection say. */
export interface Inspection {
  readonly transportProtocol: "tls" | "raw_buffer";
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
  /** "" where nobody asks for it. */
  readonly ja3: string;
  readonly ja4: string;
}

export const PLAIN: Inspection = {
  transportProtocol: "raw_buffer",
  serverName: "",
  applicationProtocols: [],
  ja3: "",
  ja4: "",
};
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
    const ja4 = needs.ja4 ? ja4Of(bytes) : "";
    return { transportProtocol: "tls", serverName, applicationProtocols: alpn, ja3, ja4 };
  }
  return needs.http && protocol !== "opaque" ? PLAIN_HTTP[protocol] : PLAIN;
}

function ja4Of(bytes: Uint8Array): string {
  const { head, ciphers, extensions } = ja4Parts(bytes);
  return `${head}_${shortHash(ciphers)}_${shortHash(extensions)}`;
}

/** Twelve digits; zeros for an empty list. */
function shortHash(list: string): string {
  return list === "" ? "0".repeat(12) : createHash("sha256").update(list).digest("hex").slice(0, 12);
}
