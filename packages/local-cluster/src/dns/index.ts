export { createResponder, type Responder } from "./responder.ts";
export { createDnsServer, type DnsServer } from "./server.ts";
export type { StubDomain, Upstream } from "./upstream.ts";
