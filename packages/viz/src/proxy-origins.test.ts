import { expect, test } from "bun:test";
import { readOrigins } from "./proxy-origins.ts";

const by = (kind: string, name: string) => ({ group: "g", kind, namespace: "x", name });
const from = (sources: readonly unknown[], decided: Readonly<Record<string, unknown>> = {}) => ({
  filter_metadata: { heddle: { sources, decided } },
});
const strict = { mtls: { ...by("PeerAuthentication", "default"), path: "spec.mtls.mode" } };
const chain = (transport: string, rules: unknown) => ({
  name: transport,
  filter_chain_match: { transport_protocol: transport },
  filters: [{ typed_config: { http_filters: [{ name: "envoy.filters.http.rbac", typed_config: { rules } }] } }],
  metadata: from([by("Service", "voting"), by("PeerAuthentication", "default")], strict),
});
const policies = (...names: string[]) => Object.fromEntries(names.map((n) => [`ns[x]-policy[${n}]-rule[0]`, {}]));
const dump = (...chains: unknown[]) => ({
  configs: [
    { dynamic_listeners: [{ active_state: { listener: { name: "virtualInbound", filter_chains: chains } } }] },
    { dynamic_active_clusters: [{ cluster: { name: "c", metadata: from([by("Service", "voting")]) } }] },
  ],
});

test("each resource is told with what it made and decided, policies with their effect", () => {
  const answer = readOrigins(
    dump(chain("tls", { policies: policies("callers") }), chain("tls", { action: "DENY", policies: policies("none") })),
  );
  expect(answer.plainTextAllowed).toBe(false);
  expect(answer.policies).toEqual([
    { kind: "AuthorizationPolicy", namespace: "x", name: "callers", effect: "ALLOW" },
    { kind: "AuthorizationPolicy", namespace: "x", name: "none", effect: "DENY" },
    { kind: "PeerAuthentication", namespace: "x", name: "default", effect: "mtls: spec.mtls.mode" },
  ]);
  expect(answer.origins.at(-1)).toMatchObject({ kind: "Service", makes: { "filter chain": 2, cluster: 1 } });
});

test("plain text is let in where a chain takes it; a dump without an inbound side says nothing", () => {
  expect(readOrigins(dump(chain("raw_buffer", {}))).plainTextAllowed).toBe(true);
  for (const strange of [undefined, [], { configs: 7 }, { configs: [null, { a: [[{ metadata: 3 }]] }] }])
    expect(readOrigins(strange)).toEqual({ origins: [], policies: [], plainTextAllowed: null });
});
