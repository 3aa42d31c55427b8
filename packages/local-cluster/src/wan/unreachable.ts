/** ICMP "destination unreachable". Source: RFC 792. */
const ICMP = 1;
const UNREACHABLE = 3;
const HOST_UNREACHABLE = 1;
const IP_HEADER = 20;
const ICMP_HEADER = 8;
const TTL = 64;
/** The refused packet's header and the first bytes behind it go along. */
const QUOTED_PAYLOAD = 8;

/**
 * The answer to a packet that has nowhere to go; undefined where none may be sent (about ICMP errors, later fragments). Pure.
 */
export function hostUnreachable(packet: Uint8Array, from: string): Uint8Array | undefined {
  const headerBytes = ((packet[0] ?? 0) & 0x0f) * 4;
  if (headerBytes < IP_HEADER || packet.length < headerBytes) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if ((view.getUint16(6) & 0x1fff) !== 0) return undefined;
  // Type 8 (echo request) may be answered, errors never.
  if (packet[9] === ICMP && packet[headerBytes] !== 8) return undefined;
  const quoted = packet.subarray(0, Math.min(packet.length, headerBytes + QUOTED_PAYLOAD));
  const answer = new Uint8Array(IP_HEADER + ICMP_HEADER + quoted.length);
  const out = new DataView(answer.buffer);
  out.setUint8(0, 0x45);
  out.setUint16(2, answer.length);
  out.setUint8(8, TTL);
  out.setUint8(9, ICMP);
  answer.set(
    from.split(".").map((part) => Number(part)),
    12,
  );
  answer.set(packet.subarray(12, 16), 16);
  out.setUint16(10, checksum(answer.subarray(0, IP_HEADER)));
  out.setUint8(IP_HEADER, UNREACHABLE);
  out.setUint8(IP_HEADER + 1, HOST_UNREACHABLE);
  answer.set(quoted, IP_HEADER + ICMP_HEADER);
  out.setUint16(IP_HEADER + 2, checksum(answer.subarray(IP_HEADER)));
  return answer;
}

/** Source: RFC 1071. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
