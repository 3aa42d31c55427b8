import { type IpAddress, type IpPrefix, parseIp, parsePrefix } from "../address.ts";
import type { AttributeWriter } from "../attribute.ts";
import { EEXIST, ENODEV } from "../errno.ts";
import { FLAG_CREATE, FLAG_EXCLUSIVE, FLAG_REPLACE } from "../message.ts";
import type { RouteCommand } from "./request.ts";

/** rtnetlink commands as pure values. Source: include/uapi/linux/{rtnetlink,if_link,if_addr,neighbour}.h. */
const RTM = { newLink: 16, delLink: 17, newAddress: 20, newRoute: 24, newNeighbour: 28 } as const;
const IFF_UP = 1;
const IFLA = { address: 1, name: 3, mtu: 4, linkInfo: 18, netNsPid: 19 } as const;
const INFO = { kind: 1, data: 2 } as const;
const VETH_PEER = 1;
const IFA = { address: 1, local: 2 } as const;
const RTA = { destination: 1, outInterface: 4, gateway: 5, preferredSource: 7 } as const;
const NDA = { destination: 1, linkAddress: 2 } as const;
const NUD_PERMANENT = 0x80;
const RTNH_F_ONLINK = 4;
const TABLE_MAIN = 254;
const PROTOCOL_STATIC = 4;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
const AF = { 4: 2, 6: 10 } as const;

export interface VethPair {
  readonly name: string;
  readonly mac: string;
  /** The end that goes into another network namespace. */
  readonly peer: { readonly name: string; readonly mac: string; readonly pid: number };
  readonly mtu: number;
}

export interface Route {
  /** Prefix; `default` is `0.0.0.0/0` or `::/0`. */
  readonly to: string;
  readonly device: number;
  readonly via?: string;
  /** Preferred source address. */
  readonly source?: string;
}

export function addVeth(pair: VethPair): RouteCommand {
  return command(`veth pair ${pair.name}`, RTM.newLink, FLAG_CREATE | FLAG_EXCLUSIVE, (w) => {
    w.raw(linkHeader(0, 0));
    w.text(IFLA.name, pair.name);
    w.bytes(IFLA.address, macBytes(pair.mac));
    w.u32(IFLA.mtu, pair.mtu);
    w.nest(IFLA.linkInfo, () => {
      w.text(INFO.kind, "veth");
      w.nest(INFO.data, () =>
        w.nest(VETH_PEER, () => {
          w.raw(linkHeader(0, 0));
          w.text(IFLA.name, pair.peer.name);
          w.bytes(IFLA.address, macBytes(pair.peer.mac));
          w.u32(IFLA.mtu, pair.mtu);
          w.u32(IFLA.netNsPid, pair.peer.pid);
        }),
      );
    });
  });
}

/** A link already gone is fine. */
export function deleteLink(name: string): RouteCommand {
  return command(
    `removal of link ${name}`,
    RTM.delLink,
    0,
    (w) => {
      w.raw(linkHeader(0, 0));
      w.text(IFLA.name, name);
    },
    [ENODEV],
  );
}

export function setLinkUp(name: string): RouteCommand {
  return command(`link ${name} up`, RTM.newLink, 0, (w) => {
    w.raw(linkHeader(IFF_UP, IFF_UP));
    w.text(IFLA.name, name);
  });
}

/** Idempotent. */
export function addAddress(device: number, prefix: string): RouteCommand {
  const parsed = prefixOrThrow(prefix);
  return command(
    `address ${prefix}`,
    RTM.newAddress,
    FLAG_CREATE | FLAG_REPLACE,
    (w) => {
      const header = new Uint8Array(8);
      header[0] = AF[parsed.family];
      header[1] = parsed.length;
      new DataView(header.buffer).setUint32(4, device, true);
      w.raw(header);
      w.bytes(IFA.local, parsed.bytes);
      w.bytes(IFA.address, parsed.bytes);
    },
    [EEXIST],
  );
}

/** Idempotent: an equal route is replaced. A gateway need not be in a connected subnet. */
export function addRoute(route: Route): RouteCommand {
  const to = prefixOrThrow(route.to);
  return command(`route ${route.to}`, RTM.newRoute, FLAG_CREATE | FLAG_REPLACE, (w) => {
    const header = new Uint8Array(12);
    header[0] = AF[to.family];
    header[1] = to.length;
    header[4] = TABLE_MAIN;
    header[5] = PROTOCOL_STATIC;
    header[6] = route.via === undefined ? SCOPE.link : SCOPE.universe;
    header[7] = 1;
    new DataView(header.buffer).setUint32(8, route.via === undefined ? 0 : RTNH_F_ONLINK, true);
    w.raw(header);
    if (to.length > 0) w.bytes(RTA.destination, to.bytes);
    w.u32(RTA.outInterface, route.device);
    if (route.via !== undefined) w.bytes(RTA.gateway, ipOrThrow(route.via).bytes);
    if (route.source !== undefined) w.bytes(RTA.preferredSource, ipOrThrow(route.source).bytes);
  });
}

/** Fixes who answers for an address, so that no ARP is needed. */
export function addNeighbour(device: number, ip: string, mac: string): RouteCommand {
  const address = ipOrThrow(ip);
  return command(`neighbour ${ip}`, RTM.newNeighbour, FLAG_CREATE | FLAG_REPLACE, (w) => {
    const header = new Uint8Array(12);
    const view = new DataView(header.buffer);
    header[0] = AF[address.family];
    view.setUint32(4, device, true);
    view.setUint16(8, NUD_PERMANENT, true);
    w.raw(header);
    w.bytes(NDA.destination, address.bytes);
    w.bytes(NDA.linkAddress, macBytes(mac));
  });
}

function command(
  what: string,
  type: number,
  flags: number,
  body: (writer: AttributeWriter) => void,
  tolerate: readonly number[] = [],
): RouteCommand {
  return { what, type, flags, body, tolerate };
}

/** `struct ifinfomsg`. */
export function linkHeader(flags: number, change: number): Uint8Array {
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return header;
}

function macBytes(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) throw new Error(`"${mac}" is no MAC address (aa:bb:cc:dd:ee:ff)`);
  return Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));
}

function ipOrThrow(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`"${text}" is no IP address`);
  return parsed;
}

function prefixOrThrow(text: string): IpPrefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`"${text}" is no IP prefix (10.0.0.0/8)`);
  return parsed;
}
