import { CString, dlopen, ptr, read } from "bun:ffi";

/** Thrown when the kernel refuses; `errno` is the number, `message` names call, object and reason. */
export class SyscallError extends Error {
  readonly errno: number;
  readonly call: string;
  constructor(call: string, errno: number, about: string, reason: string) {
    super(`${call} ${about}: ${reason}`);
    this.name = "SyscallError";
    this.errno = errno;
    this.call = call;
  }
}

export const ENOSPC = 28;
export const EPERM = 1;

const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const MNT_DETACH = 2;
const AT_RECURSIVE = 0x8000;
const AT_FDCWD = -100;
const SYS_MOUNT_SETATTR = 442;
const MOUNT_ATTR_RDONLY = 1n;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_NOCTTY = 0o400;
const O_RDWR = 2;
const F_SETFL = 4;
const TIOCSWINSZ = 0x5414;

/** The few Linux calls that `node:fs` lacks. All are synchronous and take microseconds. */
export interface Syscalls {
  /** `type` such as "tmpfs"; options as in mount(8) `-o`. */
  mountFs(type: string, target: string, options: string): void;
  /** Recursive bind mount. */
  bind(source: string, target: string): void;
  /** Makes a mount (with `recursive`, everything under it too) read-only. */
  readOnly(target: string, recursive: boolean): void;
  /** Lazy unmount of target and all below it; harmless when nothing is mounted there. */
  unmount(target: string): void;
  /** A pipe whose read end is non-blocking and whose write end belongs to `uid`, so that the program can reopen `/dev/stdout`. */
  pipe(uid: number, gid: number): { readonly readFd: number; readonly writeFd: number };
  /** A pipe for a program's input, which belongs to `uid`; the write end is non-blocking. */
  inputPipe(uid: number, gid: number): { readonly readFd: number; readonly writeFd: number };
  openPty(uid: number): { readonly masterFd: number; readonly slaveFd: number };
  setWindowSize(fd: number, columns: number, rows: number): void;
}

const open = () =>
  dlopen("libc.so.6", {
    mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
    umount2: { args: ["ptr", "i32"], returns: "i32" },
    syscall: { args: ["i64", "i64", "ptr", "u64", "ptr", "u64"], returns: "i64" },
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
    fchown: { args: ["i32", "u32", "u32"], returns: "i32" },
    posix_openpt: { args: ["i32"], returns: "i32" },
    unlockpt: { args: ["i32"], returns: "i32" },
    ptsname_r: { args: ["i32", "ptr", "u64"], returns: "i32" },
    open: { args: ["ptr", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    strerror: { args: ["i32"], returns: "ptr" },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols;

type Libc = ReturnType<typeof open>;

const zeroEnded = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

class LinuxSyscalls implements Syscalls {
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  #fail(call: string, about: string): never {
    const location = this.#libc.__errno_location();
    const errno = location === null ? 0 : read.i32(location, 0);
    const text = this.#libc.strerror(errno);
    throw new SyscallError(call, errno, about, text === null ? `errno ${errno}` : new CString(text).toString());
  }

  #mount(source: string, target: string, type: string | undefined, flags: number, options: string | undefined): void {
    const from = zeroEnded(source);
    const to = zeroEnded(target);
    const kind = type === undefined ? undefined : zeroEnded(type);
    const data = options === undefined ? undefined : zeroEnded(options);
    const result = this.#libc.mount(
      ptr(from),
      ptr(to),
      kind === undefined ? null : ptr(kind),
      flags,
      data === undefined ? null : ptr(data),
    );
    if (result !== 0) this.#fail("mount", type === undefined ? `${source} on ${target}` : `${type} on ${target}`);
  }

  mountFs(type: string, target: string, options: string): void {
    this.#mount(type, target, type, 0, options);
  }

  bind(source: string, target: string): void {
    this.#mount(source, target, undefined, MS_BIND | MS_REC, undefined);
  }

  readOnly(target: string, recursive: boolean): void {
    // mount_setattr leaves flags that a user namespace has locked alone; a classic remount would fail there.
    const attributes = new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n]);
    const path = zeroEnded(target);
    const result = this.#libc.syscall(
      SYS_MOUNT_SETATTR,
      AT_FDCWD,
      ptr(path),
      recursive ? AT_RECURSIVE : 0,
      ptr(attributes),
      32,
    );
    if (Number(result) === 0) return;
    this.#mount("none", target, undefined, MS_REMOUNT | MS_BIND | 1, undefined);
  }

  unmount(target: string): void {
    this.#libc.umount2(ptr(zeroEnded(target)), MNT_DETACH);
  }

  pipe(uid: number, gid: number): { readonly readFd: number; readonly writeFd: number } {
    const ends = new Int32Array(2);
    if (this.#libc.pipe2(ptr(ends), O_CLOEXEC) !== 0) this.#fail("pipe2", "for a container's output");
    const [readFd = -1, writeFd = -1] = ends;
    this.#libc.fcntl(readFd, F_SETFL, O_NONBLOCK);
    this.#libc.fchown(writeFd, uid, gid);
    return { readFd, writeFd };
  }

  inputPipe(uid: number, gid: number): { readonly readFd: number; readonly writeFd: number } {
    const ends = new Int32Array(2);
    if (this.#libc.pipe2(ptr(ends), O_CLOEXEC) !== 0) this.#fail("pipe2", "for a container's input");
    const [readFd = -1, writeFd = -1] = ends;
    this.#libc.fcntl(writeFd, F_SETFL, O_NONBLOCK);
    this.#libc.fchown(readFd, uid, gid);
    return { readFd, writeFd };
  }

  openPty(uid: number): { readonly masterFd: number; readonly slaveFd: number } {
    const masterFd = this.#libc.posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (masterFd < 0) this.#fail("posix_openpt", "for a terminal");
    this.#libc.unlockpt(masterFd);
    const name = new Uint8Array(64);
    if (this.#libc.ptsname_r(masterFd, ptr(name), name.length) !== 0) this.#fail("ptsname_r", "for a terminal");
    const slaveFd = this.#libc.open(ptr(name), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slaveFd < 0) this.#fail("open", "the terminal's other end");
    this.#libc.fchown(slaveFd, uid, 5);
    return { masterFd, slaveFd };
  }

  setWindowSize(fd: number, columns: number, rows: number): void {
    this.#libc.ioctl(fd, TIOCSWINSZ, ptr(new Uint16Array([rows, columns, 0, 0])));
  }
}

/** Opens the C library of the host. Errors: throws where there is no glibc. */
export function createSyscalls(): Syscalls {
  return new LinuxSyscalls(open());
}
