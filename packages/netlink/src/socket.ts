import { systemErrorText } from "./errno.ts";
import { KernelError } from "./kernel-error.ts";
import type { Libc } from "./libc.ts";
import { type NetlinkReply, readReplies } from "./message.ts";

/** Netlink protocols. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const RECEIVE_BYTES = 256 * 1024;
const MIN_SEND_BUFFER = 212_992;

/**
 * A kernel socket. The kernel works a request off inside the send call, so its answers are there when `exchange` reads: nothing waits.
 * It belongs to the network namespace in which it was opened, whatever namespace the thread enters later.
 */
export interface NetlinkSocket {
  /** Sends and gives every reply. Errors: throws when the kernel refuses the datagram itself. */
  exchange(request: Uint8Array): readonly NetlinkReply[];
  close(): void;
}

class KernelSocket implements NetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #sendBuffer = MIN_SEND_BUFFER;
  #closed = false;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  exchange(request: Uint8Array): readonly NetlinkReply[] {
    this.#makeRoom(request.length);
    if (this.#libc.send(this.#fd, request) !== request.length) {
      throw new Error(
        `netlink request of ${request.length} bytes not sent: ${systemErrorText(this.#libc.lastError())}`,
      );
    }
    const replies: NetlinkReply[] = [];
    for (;;) {
      const size = this.#libc.receive(this.#fd, this.#buffer);
      if (size <= 0) return replies;
      replies.push(...readReplies(this.#buffer.slice(0, size)));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#libc.close(this.#fd);
  }

  /** One transaction must fit the send buffer whole; the forced form passes the system limit and needs real root. */
  #makeRoom(size: number): void {
    if (size * 2 <= this.#sendBuffer) return;
    const wanted = word(size * 2);
    for (const [forced, plain] of [
      [SO_SNDBUFFORCE, SO_SNDBUF],
      [SO_RCVBUFFORCE, SO_RCVBUF],
    ] as const) {
      if (this.#libc.setsockopt(this.#fd, SOL_SOCKET, forced, wanted) < 0) {
        this.#libc.setsockopt(this.#fd, SOL_SOCKET, plain, wanted);
      }
    }
    this.#sendBuffer = size * 2;
  }
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Opens a socket in the calling thread's network namespace. Errors: throws with the kernel's reason. */
export function openNetlinkSocket(libc: Libc, protocol: number): NetlinkSocket {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
  if (fd < 0) throw new KernelError(`netlink socket (protocol ${protocol}) not opened`, libc.lastError(), "");
  const address = new Uint8Array(12);
  address[0] = AF_NETLINK;
  if (libc.bind(fd, address) < 0) {
    const reason = libc.lastError();
    libc.close(fd);
    throw new KernelError(`netlink socket (protocol ${protocol}) not bound`, reason, "");
  }
  libc.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, word(1));
  libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, word(1));
  return new KernelSocket(libc, fd);
}
