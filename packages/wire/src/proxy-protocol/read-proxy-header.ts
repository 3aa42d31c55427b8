import { err, ok, type Result } from "@heddle/std";
import { formatIp, parseIp } from "./ip-text.ts";
import {
  PROXY_V2_SIGNATURE,
  type ProxyAddress,
  type ProxyHeader,
  type ProxyTlv,
  type ReadProxyHeader,
} from "./proxy-header.ts";

/** Longest version 1 line, line end included. Source: proxy-protocol.txt 2.1. */
const MAX_V1_BYTES = 107;
/** Largest version 2 header that is gathered. Units: bytes. */
export const MAX_PROXY_HEADER_BYTES = 16 + 4096;

/**
 * Reads a PROXY header, version 1 or 2, from the first bytes of a connection; `undefined` while it is incomplete.
 * Errors: a sentence when the bytes are no such header. Source: HAProxy proxy-protocol.txt.
 */
export function readProxyHeader(bytes: Uint8Array): Result<ReadProxyHeader> | undefined {
  if (bytes.length === 0) return undefined;
  return bytes[0] === 0x50 ? readV1(bytes) : readV2(bytes);
}

function readV1(bytes: Uint8Array): Result<ReadProxyHeader> | undefined {
  const text = Buffer.from(bytes.subarray(0, MAX_V1_BYTES)).toString("latin1");
  const start = "PROXY ";
  if (!text.startsWith(start.slice(0, text.length))) return err("the connection does not begin with a PROXY header");
  const end = text.indexOf("\r\n");
  if (end < 0) return text.length < MAX_V1_BYTES ? undefined : err("a PROXY line over 107 bytes");
  const done = (header: ProxyHeader) => ok({ header, bytes: end + 2 });
  const parts = text.slice(0, end).split(" ");
  if (parts[1] === "UNKNOWN") {
    return done({ kind: "proxied", family: "unknown", source: undefined, destination: undefined, tlvs: [] });
  }
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = ""] = parts;
  const width = family === "TCP4" ? 4 : 16;
  const from = addressOf(source, sourcePort, width);
  const to = addressOf(destination, destinationPort, width);
  if ((family !== "TCP4" && family !== "TCP6") || parts.length !== 6 || from === undefined || to === undefined) {
    return err(`malformed PROXY line: ${JSON.stringify(text.slice(0, end))}`);
  }
  return done({
    kind: "proxied",
    family: family === "TCP4" ? "ipv4" : "ipv6",
    source: from,
    destination: to,
    tlvs: [],
  });
}

function addressOf(host: string, port: string, width: number): ProxyAddress | undefined {
  const ip = parseIp(host);
  if (ip?.length !== width || !/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { host: formatIp(ip), port: Number(port) };
}

function readV2(bytes: Uint8Array): Result<ReadProxyHeader> | undefined {
  for (let i = 0; i < Math.min(12, bytes.length); i++) {
    if (bytes[i] !== PROXY_V2_SIGNATURE[i]) return err("the connection does not begin with a PROXY header");
  }
  if (bytes.length < 16) return undefined;
  const command = bytes[12] ?? 0;
  if (command >> 4 !== 2 || (command & 15) > 1) return err("a PROXY header of an unknown version or command");
  const length = u16(bytes, 14);
  if (16 + length > MAX_PROXY_HEADER_BYTES) return err(`a PROXY header over ${MAX_PROXY_HEADER_BYTES} bytes`);
  if (bytes.length < 16 + length) return undefined;
  const body = bytes.subarray(16, 16 + length);
  const header = readV2Body(command & 15, (bytes[13] ?? 0) >> 4, body);
  return header === undefined ? err("a PROXY header shorter than its addresses") : ok({ header, bytes: 16 + length });
}

function readV2Body(command: number, familyCode: number, body: Uint8Array): ProxyHeader | undefined {
  const kind = command === 0 ? "local" : "proxied";
  const family = (["unknown", "ipv4", "ipv6", "unix"] as const)[familyCode] ?? "unknown";
  const size = { unknown: 0, ipv4: 12, ipv6: 36, unix: 216 }[family];
  if (body.length < size) {
    return kind === "local"
      ? { kind, family: "unknown", source: undefined, destination: undefined, tlvs: [] }
      : undefined;
  }
  const tlvs = family === "unknown" ? [] : readTlvs(body.subarray(size));
  if (tlvs === undefined) return undefined;
  return { kind, family, ...addresses(family, body), tlvs };
}

function addresses(family: ProxyHeader["family"], body: Uint8Array): Pick<ProxyHeader, "source" | "destination"> {
  if (family === "unknown") return { source: undefined, destination: undefined };
  if (family === "unix") {
    const path = (at: number) =>
      Buffer.from(body.subarray(at, at + 108))
        .toString("latin1")
        .replace(/\0.*$/s, "");
    return { source: { host: path(0), port: 0 }, destination: { host: path(108), port: 0 } };
  }
  const width = family === "ipv4" ? 4 : 16;
  return {
    source: { host: formatIp(body.subarray(0, width)), port: u16(body, width * 2) },
    destination: { host: formatIp(body.subarray(width, width * 2)), port: u16(body, width * 2 + 2) },
  };
}

function readTlvs(bytes: Uint8Array): ProxyTlv[] | undefined {
  const tlvs: ProxyTlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 3 > bytes.length) return undefined;
    const end = at + 3 + u16(bytes, at + 1);
    if (end > bytes.length) return undefined;
    tlvs.push({ type: bytes[at] ?? 0, value: bytes.slice(at + 3, end) });
    at = end;
  }
  return tlvs;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
