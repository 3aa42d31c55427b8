/** Linux error numbers that netlink and namespaces answer with, and what each most likely means here. */
const ERRORS: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  1: ["EPERM", "not permitted: the process lacks CAP_NET_ADMIN in the user namespace that owns this network namespace"],
  2: ["ENOENT", "not found: the object named does not exist, or the kernel has no module for this expression"],
  3: ["ESRCH", "no such process or entry"],
  11: ["EAGAIN", "try again"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "access denied"],
  16: ["EBUSY", "busy: another object still refers to it"],
  17: ["EEXIST", "exists already"],
  19: ["ENODEV", "no such network device"],
  20: ["ENOTDIR", "not a directory"],
  22: ["EINVAL", "invalid argument"],
  24: ["EMFILE", "too many open files in this process (raise ulimit -n)"],
  28: ["ENOSPC", "no space left"],
  34: ["ERANGE", "value out of range"],
  90: ["EMSGSIZE", "message too long for the socket buffer"],
  93: ["EPROTONOSUPPORT", "the kernel was built without this protocol"],
  95: ["EOPNOTSUPP", "the kernel was built without this feature"],
  97: ["EAFNOSUPPORT", "the kernel was built without this address family"],
  98: ["EADDRINUSE", "address in use"],
  99: ["EADDRNOTAVAIL", "address not available"],
  101: ["ENETUNREACH", "network unreachable"],
  105: ["ENOBUFS", "no buffer space: the transaction is larger than the socket buffer"],
};

export const EPERM = 1;
export const ENOENT = 2;
export const EEXIST = 17;
export const ENODEV = 19;
export const EPROTONOSUPPORT = 93;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;

/** `ENOENT (not found: …)` for error number 2. */
export function systemErrorText(number: number): string {
  const known = ERRORS[Math.abs(number)];
  return known === undefined ? `error ${Math.abs(number)}` : `${known[0]} (${known[1]})`;
}
