import { isIP } from "node:net";
import { string } from "../schema/scalar.ts";
import { refine, type Schema } from "../schema/schema.ts";

const label = /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/;

function isName(text: string): boolean {
  // Four numbers are an address or nothing. Source: RFC 1123 2.1.
  return text.length <= 253 && !/^\d+(\.\d+){3}$/.test(text) && text.split(".").every((part) => label.test(part));
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** Names of hosts have no case; data planes refuse two that differ in nothing else. Source: RFC 9110 4.2.3. */
function lowerCase<A extends boolean>(schema: Schema<string, A>): Schema<string, A> {
  return { ...schema, read: (value, path, sink) => schema.read(value, path, sink)?.toLowerCase() };
}

/** A DNS name, short or full, without wildcard. */
export const hostName = lowerCase(
  refine(string(), (text) =>
    isName(text)
      ? undefined
      : `"${text}" is not a host name; write a service's name such as reviews or reviews.prod.svc.cluster.local`,
  ),
);

/** True for a DNS name that may begin with a `*` label, for `*` alone, or an address. */
export function isHostPattern(text: string): boolean {
  return text === "*" || isName(text.replace(/^\*\./, "").replace(/^\*-/, "")) || isAddress(text);
}

export const hostPattern = lowerCase(
  refine(string(), (text) =>
    isHostPattern(text) ? undefined : `"${text}" is not a host; write a name, *.name, * or an address`,
  ),
);

/** Where a listener is bound: an address of the pod. */
export const bindAddress = refine(string(), (text) =>
  text === "" || isAddress(text) ? undefined : `"${text}" is not an address such as 0.0.0.0 or 127.0.0.1`,
);

/** Where a workload is: an address, a name to be resolved, or a unix socket. */
export const workloadAddress = refine(string(), (text) =>
  isAddress(text) || isName(text) || /^unix:\/\/\/?[^\s]{1,106}$/.test(text)
    ? undefined
    : `"${text.slice(0, 120)}" is not an address, a host name or unix:///path (a path has at most 107 characters)`,
);

const protocols = "HTTP HTTPS GRPC GRPC-WEB HTTP2 H2C MONGO MYSQL REDIS TCP TLS UDP HTTP_PROXY HBONE".split(" ");

/** What a port speaks, in any case; "" means that it is found out. */
export const portProtocol = refine(string(), (text) =>
  text === "" || protocols.includes(text.toUpperCase())
    ? undefined
    : `"${text}" is not a protocol; use one of HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, MYSQL, REDIS, TCP, TLS, UDP`,
);

/** A CIDR range or a single address. */
export const cidr = refine(string(), (text) => {
  const [address = "", bits, ...rest] = text.split("/");
  const size = bits === undefined ? 0 : Number(bits);
  const fine =
    rest.length === 0 &&
    isAddress(address) &&
    Number.isInteger(size) &&
    size >= 0 &&
    size <= (address.includes(":") ? 128 : 32);
  return fine ? undefined : `"${text}" is not an address or CIDR range such as 10.0.0.0/8`;
});

/** Namespaces that see a resource: `.`, `*`, `~` or names. */
export const exportTarget = refine(string(), (text) =>
  text === "." || text === "*" || text === "~" || label.test(text)
    ? undefined
    : `"${text}" is not ".", "*", "~" or a namespace`,
);

/** The full name of a host that a resource in `namespace` mentions: names without a dot are services of that namespace. */
export function resolveHost(host: string, namespace: string, domain: string): string {
  return host.includes(".") || host === "*" || host.includes(":") ? host : `${host}.${namespace}.svc.${domain}`;
}
