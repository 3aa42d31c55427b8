import { dlopen, ptr, read } from "bun:ffi";
import { parseIp } from "@heddle/std";
import { ipText, type OriginalDst, plainIp, type SocketAddress } from "./address.ts";

/** Options of a new outgoing connection that Bun's own connect can't set. */
export interface DialOptions {
  /** Bind to this address first (`127.0.0.6` for inbound). */
  readonly sourceIp: string | undefined;
  /** SO_MARK, so that packet rules let it pass. */
  readonly mark: number | undefined;
  readonly keepAlive:
    | { readonly probes: number; readonly idleSeconds: number; readonly intervalSeconds: number }
    | undefined;
}

/** The few system calls that the runtime has no API for. */
export interface Kernel {
  /** A non-blocking socket with its connect under way; a negative errno when the kernel refuses at once. */
  dial(to: SocketAddress, options: DialOptions): number;
  /** Destination before redirection, or undefined when the connection was not redirected. Source: Linux SO_ORIGINAL_DST. */
  originalDst(fd: number): OriginalDst | undefined;
  /** Pending connect error as a positive errno; 0 when none. */
  socketError(fd: number): number;
  /** True once the TCP handshake is done. */
  connected(fd: number): boolean;
  /** Of a TCP connection, as the kernel estimates it; undefined: it is none. Source: Linux TCP_INFO. */
  roundTripMs(fd: number): number | undefined;
  /** Takes bytes that wait on a socket into `inbox`: their number, 0 when none wait or none will come, a negative errno. */
  receive(fd: number): number;
  /** What `receive` took last; the next call overwrites it. */
  readonly inbox: Uint8Array;
  /** The kernel drops whoever wants to connect to a listening socket from now on; who is about to be connected still is. False: it can't. */
  refuseNew(fd: number): boolean;
  closeFd(fd: number): void;
  /** Another descriptor of the same socket; a negative errno when there are none left. */
  duplicate(fd: number): number;
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
const SO_KEEPALIVE = 9;
const SO_MARK = 36;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
/** Where `tcpi_rtt` (in microseconds) stands in `tcp_info`. Units: bytes. */
const RTT_AT = 68;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const EINPROGRESS = 115;
const EAGAIN = 11;
const EINTR = 4;
const MSG_DONTWAIT = 0x40;
const IP_BIND_ADDRESS_NO_PORT = 24;
const F_DUPFD_CLOEXEC = 1030;
/**
 * Eight TLS records, which the runtime sends in one system call. With 22 bytes more for each they fill two of the kernel's largest packets, at
 * 1,448 bytes a segment (Ethernet) or 65,483 (loopback), so that no third, tiny one follows. Small enough for a processor's own cache. Units: bytes.
 */
const INBOX_BYTES = 130_144;

/** In the flags of a TCP header, which are its 14th byte. */
const TCP_SYN = 2;

/** A packet filter that drops what opens a connection, as `struct sock_filter[4]`. Source: Linux Documentation/networking/filter.rst. */
function synFilter(): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  const instruction = (at: number, code: number, whenTrue: number, whenFalse: number, k: number) => {
    view.setUint16(at * 8, code, true);
    view.setUint8(at * 8 + 2, whenTrue);
    view.setUint8(at * 8 + 3, whenFalse);
    view.setUint32(at * 8 + 4, k, true);
  };
  instruction(0, 0x30, 0, 0, 13); // load the byte of the flags
  instruction(1, 0x45, 0, 1, TCP_SYN); // is it set?
  instruction(2, 0x06, 0, 0, 0); // drop
  instruction(3, 0x06, 0, 0, 0xffff_ffff); // keep all of it
  return bytes;
}

function openLibc() {
  return dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols;
}

class LinuxKernel implements Kernel {
  readonly #libc = openLibc();
  readonly #name = new Uint8Array(128);
  readonly #namePtr = ptr(this.#name);
  readonly #int = new Int32Array(1);
  readonly #intPtr = ptr(this.#int);
  readonly inbox = new Uint8Array(INBOX_BYTES);
  readonly #inboxPtr = ptr(this.inbox);
  readonly #length = new Uint32Array(1);
  readonly #lengthPtr = ptr(this.#length);

  dial(to: SocketAddress, options: DialOptions): number {
    const target = parseIp(to.ip);
    if (target === undefined) return -22;
    const fd = this.#libc.socket(target.length === 4 ? AF_INET : AF_INET6, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) return -this.#errno();
    this.#set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.mark !== undefined) this.#set(fd, SOL_SOCKET, SO_MARK, options.mark);
    if (options.keepAlive !== undefined) {
      this.#set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      this.#set(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepAlive.idleSeconds);
      this.#set(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepAlive.intervalSeconds);
      this.#set(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepAlive.probes);
    }
    if (options.sourceIp !== undefined) {
      const source = parseIp(options.sourceIp);
      if (source !== undefined && source.length === target.length) {
        this.#set(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        if (this.#libc.bind(fd, this.#namePtr, this.#writeName(source, 0)) !== 0) return this.#fail(fd);
      }
    }
    const done = this.#libc.connect(fd, this.#namePtr, this.#writeName(target, to.port));
    if (done === 0) return fd;
    const errno = this.#errno();
    if (errno === EINPROGRESS) return fd;
    this.#libc.close(fd);
    return -errno;
  }

  originalDst(fd: number): OriginalDst | undefined {
    this.#length[0] = 28;
    if (this.#libc.getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, this.#namePtr, this.#lengthPtr) !== 0) {
      this.#length[0] = 28;
      if (this.#libc.getsockopt(fd, SOL_IPV6, SO_ORIGINAL_DST, this.#namePtr, this.#lengthPtr) !== 0) return undefined;
    }
    const name = this.#name;
    const port = ((name[2] ?? 0) << 8) | (name[3] ?? 0);
    const ip = name[0] === AF_INET ? ipText(name.slice(4, 8)) : plainIp(ipText(name.slice(8, 24)));
    return { ip, port } as OriginalDst;
  }

  socketError(fd: number): number {
    this.#length[0] = 4;
    this.#int[0] = 0;
    if (this.#libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#intPtr, this.#lengthPtr) !== 0) return this.#errno();
    return this.#int[0] ?? 0;
  }

  connected(fd: number): boolean {
    this.#length[0] = 128;
    return this.#libc.getpeername(fd, this.#namePtr, this.#lengthPtr) === 0;
  }

  roundTripMs(fd: number): number | undefined {
    this.#length[0] = RTT_AT + 4;
    if (this.#libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#namePtr, this.#lengthPtr) !== 0) return undefined;
    // Not by a view of its buffer: the runtime would move the bytes away from `#namePtr`.
    let us = 0;
    for (let i = 3; i >= 0; i--) us = us * 256 + (this.#name[RTT_AT + i] ?? 0);
    return Math.trunc(us / 1000);
  }

  receive(fd: number): number {
    const taken = this.#libc.recv(fd, this.#inboxPtr, INBOX_BYTES, MSG_DONTWAIT);
    if (taken >= 0) return taken;
    const errno = this.#errno();
    return errno === EAGAIN || errno === EINTR ? 0 : -errno;
  }

  refuseNew(fd: number): boolean {
    const filter = synFilter();
    const program = new Uint8Array(16);
    const view = new DataView(program.buffer);
    view.setUint16(0, filter.length / 8, true);
    view.setBigUint64(8, BigInt(ptr(filter)), true);
    return this.#libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, ptr(program), program.length) === 0;
  }

  closeFd(fd: number): void {
    this.#libc.close(fd);
  }

  duplicate(fd: number): number {
    const copy = this.#libc.fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -this.#errno() : copy;
  }

  #fail(fd: number): number {
    const errno = this.#errno();
    this.#libc.close(fd);
    return -errno;
  }

  #set(fd: number, level: number, option: number, value: number): void {
    this.#int[0] = value;
    this.#libc.setsockopt(fd, level, option, this.#intPtr, 4);
  }

  /** Fills the name buffer with a sockaddr and returns its length. */
  #writeName(ip: Uint8Array, port: number): number {
    const name = this.#name;
    name.fill(0, 0, 28);
    name[0] = ip.length === 4 ? AF_INET : AF_INET6;
    name[2] = port >> 8;
    name[3] = port & 255;
    name.set(ip, ip.length === 4 ? 4 : 8);
    return ip.length === 4 ? 16 : 28;
  }

  #errno(): number {
    const at = this.#libc.__errno_location();
    return at === null ? 0 : read.i32(at, 0);
  }
}

/** Opens libc. Only composition roots call this. */
export function createKernel(): Kernel {
  return new LinuxKernel();
}
