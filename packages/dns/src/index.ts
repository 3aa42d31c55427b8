export { encodeAnswer, type Outcome, type Query, RCODE, readQuery } from "./answer.ts";
export { createDnsServer, type DnsServer, type Responder, type Transport } from "./dns-server.ts";
export { createMeshResponder, type MeshResponder, type MeshResponderEvents } from "./mesh-responder.ts";
export { createNameIndex, type NameEntry, type NameIndex } from "./name-index.ts";
export { parseResolvConf, type ResolvConf } from "./resolv-conf.ts";
export { createUpstream, type NameServer, parseNameServer, type Upstream } from "./upstream.ts";
