import type { ConnectionError } from "./connection.ts";

const KINDS: ReadonlyMap<string, ConnectionError["kind"]> = new Map([
  ["ECONNRESET", "reset"],
  ["EPIPE", "reset"],
  ["ECONNABORTED", "reset"],
  ["ECONNREFUSED", "refused"],
  ["ETIMEDOUT", "timeout"],
  ["ENETUNREACH", "unreachable"],
  ["EHOSTUNREACH", "unreachable"],
  ["EADDRNOTAVAIL", "unreachable"],
  ["EPROTO", "tls"],
]);

/** A socket's error as a value. */
export function connectionError(error: Error): ConnectionError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const kind = KINDS.get(code) ?? (code.includes("CERT") || code.includes("SSL") ? "tls" : "other");
  return { kind, message: error.message };
}

/** A connect that the kernel refused at once. */
export function errnoError(errno: number): ConnectionError {
  switch (errno) {
    case 111:
      return { kind: "refused", message: "connection refused" };
    case 110:
      return { kind: "timeout", message: "connection timed out" };
    case 101:
    case 113:
      return { kind: "unreachable", message: "network or host unreachable" };
    case 99:
      return { kind: "unreachable", message: "the source address is not on this machine" };
    case 104:
      return { kind: "reset", message: "connection reset by peer" };
    case 24:
      return { kind: "other", message: "too many open files; raise the limit of the process" };
    default:
      return { kind: "other", message: `connect failed with errno ${errno}` };
  }
}
