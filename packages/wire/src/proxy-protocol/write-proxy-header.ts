import { formatIp, parseIp } from "./ip-text.ts";
import { PROXY_V2_SIGNATURE, type ProxyHeader } from "./proxy-header.ts";

/** Writes a version 1 line; `UNKNOWN` when the addresses are not both IP addresses of one family. */
export function writeProxyV1(header: ProxyHeader): Buffer {
  const source = parseIp(header.source?.host ?? "");
  const destination = parseIp(header.destination?.host ?? "");
  if (header.kind === "local" || source === undefined || source.length !== destination?.length) {
    return Buffer.from("PROXY UNKNOWN\r\n");
  }
  const family = source.length === 4 ? "TCP4" : "TCP6";
  const ports = `${header.source?.port ?? 0} ${header.destination?.port ?? 0}`;
  return Buffer.from(`PROXY ${family} ${formatIp(source)} ${formatIp(destination)} ${ports}\r\n`);
}

/** Writes a version 2 header with its type-length-values. */
export function writeProxyV2(header: ProxyHeader): Buffer {
  const source = parseIp(header.source?.host ?? "");
  const destination = parseIp(header.destination?.host ?? "");
  const parts: Uint8Array[] = [];
  let family = 0;
  if (header.kind === "proxied" && source !== undefined && destination?.length === source.length) {
    family = source.length === 4 ? 0x11 : 0x21;
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(header.source?.port ?? 0, 0);
    ports.writeUInt16BE(header.destination?.port ?? 0, 2);
    parts.push(source, destination, ports);
    for (const tlv of header.tlvs) {
      const head = Buffer.from([tlv.type, 0, 0]);
      head.writeUInt16BE(tlv.value.length, 1);
      parts.push(head, tlv.value);
    }
  }
  const body = Buffer.concat(parts);
  const start = Buffer.from([...PROXY_V2_SIGNATURE, header.kind === "local" ? 0x20 : 0x21, family, 0, 0]);
  start.writeUInt16BE(body.length, 14);
  return Buffer.concat([start, body]);
}
