export { createResponder } from "./responder.ts";
export { watchStubDomains } from "./stub-domains.ts";
export type { StubDomain, Upstream } from "./upstream.ts";
