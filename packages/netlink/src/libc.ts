import { dlopen, type FFIFunction, FFIType, read } from "bun:ffi";

/** The few C library calls this package makes. A negative result means failure; `lastError` tells why. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number;
  send(fd: number, data: Uint8Array): number;
  /** Never waits: -1 when nothing is queued. */
  receive(fd: number, into: Uint8Array): number;
  open(path: string): number;
  setns(fd: number, kind: number): number;
  close(fd: number): number;
  /** Error number of the last failed call of this thread; `systemErrorText` says what it means. */
  lastError(): number;
}

const MSG_DONTWAIT = 0x40;
const O_RDONLY_CLOEXEC = 0o2000000;

const SYMBOLS = {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  send: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64_fast },
  recv: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64_fast },
  open: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
  setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const;

/** glibc, then the names musl gives its library. */
const LIBRARY_NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** The C library's functions of these names and types. Errors: throws when there is no library this program knows. */
export function openCLibrary<Symbols extends Record<string, FFIFunction>>(symbols: Symbols) {
  let failure: unknown;
  for (const name of LIBRARY_NAMES) {
    try {
      return dlopen(name, symbols).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`no C library found (tried ${LIBRARY_NAMES.join(", ")}): ${String(failure)}`);
}

/** Opens the C library. Errors: throws when there is none this program knows. */
export function createLibc(): Libc {
  const c = openCLibrary(SYMBOLS);
  return {
    socket: (domain, type, protocol) => c.socket(domain, type, protocol),
    bind: (fd, address) => c.bind(fd, address, address.length),
    setsockopt: (fd, level, name, value) => c.setsockopt(fd, level, name, value, value.length),
    send: (fd, data) => Number(c.send(fd, data, data.length, 0)),
    receive: (fd, into) => Number(c.recv(fd, into, into.length, MSG_DONTWAIT)),
    open: (path) => c.open(new TextEncoder().encode(`${path}\0`), O_RDONLY_CLOEXEC),
    setns: (fd, kind) => c.setns(fd, kind),
    close: (fd) => c.close(fd),
    lastError: () => {
      const location = c.__errno_location();
      return location === null ? 0 : read.i32(location, 0);
    },
  };
}
