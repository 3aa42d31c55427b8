import type { StreamBytes } from "@heddle/wire";
import type { ExchangeRecord } from "./exchange-record.ts";

/** `UPSTREAM_WIRE_BYTES_SENT` and its like; undefined: another command. Source: Envoy `StreamInfo::BytesMeter`. */
export function bytesValue(record: ExchangeRecord, name: string): string | undefined {
  if (!name.includes("_BYTES_")) return undefined;
  const bytes = name.startsWith("UPSTREAM_") ? record.upstreamBytes : record.downstreamBytes;
  const read = READ[name.slice(name.indexOf("_") + 1)];
  return read === undefined ? undefined : String(bytes === undefined ? 0 : read(bytes));
}

const READ: Readonly<Record<string, (bytes: StreamBytes) => number>> = {
  WIRE_BYTES_SENT: (bytes) => bytes.sent,
  WIRE_BYTES_RECEIVED: (bytes) => bytes.received,
  HEADER_BYTES_SENT: (bytes) => bytes.headersSent,
  HEADER_BYTES_RECEIVED: (bytes) => bytes.headersReceived,
  DECOMPRESSED_HEADER_BYTES_SENT: (bytes) => bytes.plainHeadersSent,
  DECOMPRESSED_HEADER_BYTES_RECEIVED: (bytes) => bytes.plainHeadersReceived,
};
