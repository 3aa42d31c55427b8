import { string } from "../schema/scalar.ts";
import { refine } from "../schema/schema.ts";

const label = /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/;

function isName(text: string): boolean {
  return text.length <= 253 && text.split(".").every((part) => label.test(part));
}

function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || (text.includes(":") && /^[0-9a-fA-F:.]+$/.test(text));
}

/** A DNS name, short or full, without wildcard. */
export const hostName = refine(string(), (text) =>
  isName(text)
    ? undefined
    : `"${text}" is not a host name; write a service's name such as reviews or reviews.prod.svc.cluster.local`,
);

/** True for a DNS name that may begin with a `*` label, for `*` alone, or an address. */
export function isHostPattern(text: string): boolean {
  return text === "*" || isName(text.replace(/^\*\./, "").replace(/^\*-/, "")) || isAddress(text);
}

export const hostPattern = refine(string(), (text) =>
  isHostPattern(text) ? undefined : `"${text}" is not a host; write a name, *.name, * or an address`,
);

/** Where a workload is: an address, a name to be resolved, or a unix socket. */
export const workloadAddress = refine(string(), (text) =>
  isAddress(text) || isName(text) || /^unix:\/\/\/?[^\s]+$/.test(text)
    ? undefined
    : `"${text}" is not an address, a host name or unix:///path`,
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
