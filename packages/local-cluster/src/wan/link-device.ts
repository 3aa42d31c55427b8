import { FFIType } from "bun:ffi";
import { closeSync, constants, existsSync, openSync, rmSync } from "node:fs";
import { type Libc, openCLibrary, systemErrorText } from "@heddle/netlink";

/** Source: linux/if_tun.h, asm-generic/ioctls.h. */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
const IFREQ = 40;

const IOCTL = { ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 } } as const;

/** A network device of the calling thread's namespace whose packets this process reads and writes. */
export type LinkDevice = { readonly ok: true; readonly fd: number } | { readonly ok: false; readonly reason: string };

/** Errors: a sentence in the result, as a cluster does without the link when it is alone. */
export function openLinkDevice(libc: Libc, name: string): LinkDevice {
  const path = "/dev/net/tun";
  if (!existsSync(path)) return { ok: false, reason: `${path} is missing: load the module (modprobe tun)` };
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    return {
      ok: false,
      reason: `${path} can't be opened (${error instanceof Error ? error.message : error}): run as root, or let this user write to it (chmod 0666 ${path})`,
    };
  }
  const request = new Uint8Array(IFREQ);
  request.set(new TextEncoder().encode(name).subarray(0, IFNAMSIZ - 1));
  new DataView(request.buffer).setUint16(IFNAMSIZ, IFF_TUN | IFF_NO_PI, true);
  if (openCLibrary(IOCTL).ioctl(fd, TUNSETIFF, request) < 0) {
    const reason = systemErrorText(libc.lastError());
    closeSync(fd);
    return { ok: false, reason: `no device of ${path}: ${reason}` };
  }
  return { ok: true, fd };
}

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
/** Units: bytes; the kernel takes what it allows. */
const SEND_BUFFER = 4 * 1024 * 1024;

/** `struct sockaddr_un` of a path. */
export function unixAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + bytes.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}

/** A datagram socket at `path`; packets of other clusters arrive there. Errors: throws with the system's reason. */
export function openLinkSocket(libc: Libc, path: string): number {
  rmSync(path, { force: true });
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0 || libc.bind(fd, unixAddress(path)) < 0)
    throw new Error(`socket ${path} not made: ${systemErrorText(libc.lastError())}`);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setInt32(0, SEND_BUFFER, true);
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, size);
  return fd;
}
