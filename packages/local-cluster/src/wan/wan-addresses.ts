import { FIRST_POD_NET, MAX_CLUSTERS } from "../network/address-ranges.ts";

/**
 * Addresses of the WAN between clusters: 198.18.<index>.1 for each. Source: RFC 2544, a range for tests that no real network uses.
 */
export const WAN_PREFIX = "198.18.0.0/16";
export const WAN_DEVICE = "wan0";

const WAN_FIRST = 198;
const WAN_SECOND = 18;
const HOST = 1;
const ROUTER = 254;
const POD_FIRST = 10;

/** What other clusters call the cluster with this index. */
export function externalAddress(index: number): string {
  return `${WAN_FIRST}.${WAN_SECOND}.${index}.${HOST}`;
}

/** Who answers on the WAN for what is not there; a node would take its own address for a forgery. */
export function routerAddress(index: number): string {
  return `${WAN_FIRST}.${WAN_SECOND}.${index}.${ROUTER}`;
}

/** Why an attached network can't be reached by an address, as a sentence; undefined when it can. Pure. */
export function attachedAddressProblem(address: string): string | undefined {
  const parts = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(address) ? address.split(".").map(Number) : [];
  const [first = 0, second] = parts;
  if (first < 1 || first >= 224 || parts.some((part) => part > 255))
    return `"${address}" is no IPv4 address of a node, such as 10.0.0.5`;
  if (first === 127) return `${address} is each machine's own; give the address that others use`;
  if (first === WAN_FIRST && second === WAN_SECOND)
    return `${address} belongs to the line itself; a network gets its address there by itself`;
  return undefined;
}

/** Offsets of an IPv4 header. Source: RFC 791. */
const SOURCE = 12;
const DESTINATION = 16;
const MIN_HEADER = 20;

export function isIpv4(packet: Uint8Array): boolean {
  return packet.length >= MIN_HEADER && (packet[0] ?? 0) >> 4 === 4;
}

/** Further addresses that attached networks are asked by, as `addressKey` gives them, and whose index each leads to. */
type AddressesBehind = ReadonlyMap<number, number>;

const NONE: AddressesBehind = new Map();

/** An IPv4 address in one number. */
export function addressKey(address: string): number {
  return address.split(".").reduce((key, part) => key * 256 + Number(part), 0);
}

/** The cluster that a packet is for; undefined when it is for none. Only a flat cluster reaches the pods of others. */
export function destinationIndex(packet: Uint8Array, flat: boolean, behind = NONE): number | undefined {
  return indexAt(packet, DESTINATION, flat, behind);
}

/** The cluster that a packet says it is from. */
export function sourceIndex(packet: Uint8Array, flat: boolean, behind = NONE): number | undefined {
  return indexAt(packet, SOURCE, flat, behind);
}

function indexAt(packet: Uint8Array, offset: number, flat: boolean, behind: AddressesBehind): number | undefined {
  const [first = 0, second = 0, third = 0, fourth = 0] = packet.subarray(offset, offset + 4);
  if (first === WAN_FIRST && second === WAN_SECOND && fourth === HOST && third < MAX_CLUSTERS) return third;
  if (flat && first === POD_FIRST && second >= FIRST_POD_NET && second < FIRST_POD_NET + MAX_CLUSTERS)
    return second - FIRST_POD_NET;
  return behind.size === 0 ? undefined : behind.get(((first * 256 + second) * 256 + third) * 256 + fourth);
}
