import { formatIp } from "../address.ts";
import { attributeText, readAttributes } from "../attribute.ts";
import type { NetlinkSocket } from "../socket.ts";
import { linkHeader } from "./commands.ts";
import { runQuery } from "./request.ts";

const RTM_GETLINK = 18;
const RTM_GETADDR = 22;
const IFLA_NAME = 3;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const AF_INET = 2;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
}

export interface InterfaceAddress {
  readonly device: number;
  readonly family: 4 | 6;
  readonly ip: string;
  readonly prefixLength: number;
}

/** Index of a link by name. Errors: throws `KernelError` (ENODEV) when there is none. */
export function linkIndex(socket: NetlinkSocket, name: string): number {
  const [message] = runQuery(socket, `link ${name}`, RTM_GETLINK, false, (w) => {
    w.raw(linkHeader(0, 0));
    w.text(IFLA_NAME, name);
  });
  if (message === undefined) throw new Error(`link ${name}: the kernel gave no answer`);
  return view(message.payload).getInt32(4, true);
}

export function listLinks(socket: NetlinkSocket): readonly Link[] {
  return runQuery(socket, "list of links", RTM_GETLINK, true, (w) => w.raw(linkHeader(0, 0))).map(({ payload }) => ({
    index: view(payload).getInt32(4, true),
    name: attributeText(readAttributes(payload.subarray(16)).get(IFLA_NAME)),
    up: (view(payload).getUint32(8, true) & 1) === 1,
  }));
}

export function listAddresses(socket: NetlinkSocket): readonly InterfaceAddress[] {
  return runQuery(socket, "list of addresses", RTM_GETADDR, true, (w) => w.raw(new Uint8Array(8))).map(
    ({ payload }) => {
      const attributes = readAttributes(payload.subarray(8));
      return {
        device: view(payload).getUint32(4, true),
        family: payload[0] === AF_INET ? 4 : 6,
        ip: formatIp(attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? new Uint8Array(4)),
        prefixLength: payload[1] ?? 0,
      };
    },
  );
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
