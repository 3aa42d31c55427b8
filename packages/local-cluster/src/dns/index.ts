export { createResponder } from "./responder.ts";
export type { StubDomain, Upstream } from "./upstream.ts";
