import { type AttributeWriter, attributeText, readAttributes } from "./attribute.ts";

/** `struct nlmsghdr` and the kernel's replies. Source: include/uapi/linux/netlink.h. */
export const FLAG_REQUEST = 0x01;
export const FLAG_ACK = 0x04;
export const FLAG_DUMP = 0x300;
export const FLAG_REPLACE = 0x100;
export const FLAG_EXCLUSIVE = 0x200;
export const FLAG_CREATE = 0x400;
export const FLAG_APPEND = 0x800;

const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const FLAG_CAPPED = 0x100;
const FLAG_ACK_TLVS = 0x200;
const EXT_ACK_MESSAGE = 1;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export type NetlinkReply =
  | { readonly kind: "data"; readonly message: NetlinkMessage }
  | { readonly kind: "done" }
  /** `errno` 0 is an acknowledgement; `text` is the kernel's own explanation, often empty. */
  | { readonly kind: "status"; readonly sequence: number; readonly errno: number; readonly text: string };

/** Writes one message: header, `body` (family header and attributes), length patched in. */
export function writeMessage(
  writer: AttributeWriter,
  type: number,
  flags: number,
  sequence: number,
  body: () => void,
): void {
  const start = writer.length;
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  writer.raw(header);
  body();
  writer.patch32(start, writer.length - start);
}

/** Splits one received datagram. Malformed rests are dropped: the kernel never sends them. */
export function readReplies(datagram: Uint8Array): readonly NetlinkReply[] {
  const replies: NetlinkReply[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset + HEADER_BYTES <= datagram.length) {
    const size = view.getUint32(offset, true);
    if (size < HEADER_BYTES || offset + size > datagram.length) break;
    const message: NetlinkMessage = {
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: datagram.subarray(offset + HEADER_BYTES, offset + size),
    };
    replies.push(toReply(message));
    offset += (size + 3) & ~3;
  }
  return replies;
}

function toReply(message: NetlinkMessage): NetlinkReply {
  if (message.type === NLMSG_DONE) return { kind: "done" };
  if (message.type !== NLMSG_ERROR) return { kind: "data", message };
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    kind: "status",
    sequence: message.sequence,
    errno: -view.getInt32(0, true),
    text: extendedText(message, view),
  };
}

function extendedText(message: NetlinkMessage, view: DataView): string {
  if ((message.flags & FLAG_ACK_TLVS) === 0) return "";
  const echoed = (message.flags & FLAG_CAPPED) !== 0 ? HEADER_BYTES : view.getUint32(4, true);
  const tlvs = message.payload.subarray(4 + ((echoed + 3) & ~3));
  return attributeText(readAttributes(tlvs).get(EXT_ACK_MESSAGE));
}
