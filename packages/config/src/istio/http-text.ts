import { FORMAT_OPERATORS, GRPC_CODES, isMetadataName, isMetadataValue } from "@heddle/std";
import { map } from "../schema/compound.ts";
import { anyJson, string } from "../schema/scalar.ts";
import { refine, type Schema } from "../schema/schema.ts";

/**
 * What a data plane refuses in a header, a path or an authority is refused here: it takes or refuses a whole route configuration,
 * so one such text would keep the routes of everybody else from being updated.
 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A carriage return, a line feed or a NUL: what would end a header. */
export function breaksLine(text: string): boolean {
  return text.includes("\r") || text.includes("\n") || text.includes("\0");
}

const controls = "holds a line break or NUL, which no header can; remove it";

/** Text that becomes part of a request or response line. */
export const lineText = refine(string(), (text) => (breaksLine(text) ? controls : undefined));

/** The value of a header that proxies send with calls of their own. */
export const callValue = refine(string(), (text) =>
  isMetadataValue(text)
    ? undefined
    : "holds what is not printable ASCII, which no header of such calls can carry; encode it (base64)",
);

/** The name of a header that proxies send with calls of their own. */
export const metadataName = refine(string(), (name) =>
  isMetadataName(name) ? undefined : "has to be letters, digits, _ . - and not end in -bin: gRPC takes no other name",
);

/** The name of a header that is read. */
export const headerName = refine(string(), nameFault);

function nameFault(name: string): string | undefined {
  if (TOKEN.test(name)) return undefined;
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  return `${shown} is not the name of a header; use letters, digits and -`;
}

/** Names that stand for the request line are not headers to write. `host` is one for itself: setting it rewrites the authority. */
function writtenNameFault(name: string, hostToo: boolean): string | undefined {
  if (name.startsWith(":") || name.toLowerCase() === "host")
    return hostToo && (name === ":authority" || name.toLowerCase() === "host")
      ? undefined
      : `${name} can't be changed this way; use rewrite, or request.set of host`;
  return nameFault(name);
}

const COMMAND = /%(?:%|([A-Z0-9_]+)(?:\((?:[^()]|\([^()]*\))*\))?(?::\d+)?%)/g;

/** Envoy has it by an extension, which comes with the formats that use it. */
const EXTENSION_OPERATORS: ReadonlySet<string> = new Set(["REQ_WITHOUT_QUERY"]);

/** A value may hold Envoy's commands, such as `%DOWNSTREAM_REMOTE_ADDRESS%`; a percent sign of its own is written twice. */
function valueFault(value: string): string | undefined {
  return breaksLine(value) ? controls : commandFault(value);
}

function commandFault(value: string, more?: ReadonlySet<string>): string | undefined {
  for (const [, name] of value.matchAll(COMMAND))
    if (name !== undefined && !FORMAT_OPERATORS.has(name) && more?.has(name) !== true)
      return `%${name}% is no command that proxies know; write %% for a percent sign`;
  return value.replace(COMMAND, "").includes("%")
    ? "has a percent sign that starts no command; write %% for the sign itself"
    : undefined;
}

/** Text with Envoy's commands, as values of headers are. */
export const formattedText = refine(string(), valueFault);

/** What an access log writes: text with Envoy's commands. */
export const logFormat = refine(string(), (text) => commandFault(text, EXTENSION_OPERATORS));

/** The fields of an access log in JSON, with such texts at the leaves. */
export const logLabels = refine(map(anyJson()), (labels) => labelFault(labels));

function labelFault(value: unknown): string | undefined {
  if (typeof value === "string") return commandFault(value, EXTENSION_OPERATORS);
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const fault = labelFault(item);
    if (fault !== undefined) return `${key}: ${fault}`;
  }
  return undefined;
}

/** Headers to be written. `host` may be among them where `hostToo`. */
export function headersToWrite(hostToo: boolean): Schema<Readonly<Record<string, string>>, true> {
  return refine(map(refine(string(), valueFault)), (headers) => {
    for (const name of Object.keys(headers)) {
      const fault = writtenNameFault(name, hostToo);
      if (fault !== undefined) return fault;
    }
    return undefined;
  });
}

/** A header to be taken away. */
export const headerToRemove = refine(string(), (name) => writtenNameFault(name, false));

/** Conditions by header. A claim of a token, `@request.auth.claims.x`, and the pseudo headers stand among them. */
export function byHeader<T>(element: Schema<T>): Schema<Readonly<Record<string, T>>, true> {
  return refine(map(element), (headers) => {
    for (const name of Object.keys(headers)) {
      if (name.startsWith("@request.auth.claims") && !breaksLine(name)) continue;
      const fault = nameFault(name.replace(/^:/, ""));
      if (fault !== undefined) return fault;
    }
    return undefined;
  });
}

const CONDITIONS: ReadonlySet<string> = new Set(
  [
    "5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes",
    "retriable-headers envoy-ratelimited http3-post-connect-failure",
    "cancelled deadline-exceeded internal resource-exhausted unavailable",
  ].flatMap((line) => line.split(" ")),
);

/** When a request is tried again: Envoy's conditions and status codes. */
export const retryConditions = refine(string(), (text) => {
  for (const part of text.split(",").map((one) => one.trim()))
    if (part !== "" && !CONDITIONS.has(part) && !/^[1-5]\d\d$/.test(part))
      return `"${part.slice(0, 60)}" is not a retry condition; known are status codes and ${[...CONDITIONS].join(", ")}`;
  return undefined;
});

/** The status of a gRPC answer, by name or number. */
export const grpcStatus = refine(string(), (text) =>
  GRPC_CODES.includes(text) || /^(?:\d|1[0-6])$/.test(text)
    ? undefined
    : `"${text.slice(0, 60)}" is not a gRPC status; write a name such as UNAVAILABLE`,
);
