import { expect, test } from "bun:test";
import type { Connection } from "./connection.ts";
import { chainFor, listenerFor } from "./listener-choice.ts";
import { accessDecision } from "./rbac.ts";
import { readTarget } from "./request.ts";
import { routeFor, virtualHostFor } from "./route-choice.ts";

const connection: Connection = {
  ip: "10.0.0.1",
  port: 80,
  transport: "raw_buffer",
  protocols: ["http/1.1"],
  serverName: "",
  sourceIp: "10.0.0.9",
  peer: undefined,
  headers: { ":path": "/a?b=c", ":method": "GET", ":authority": "web.shop:80" },
};
const inspectors = [
  { name: "envoy.filters.listener.tls_inspector" },
  { name: "envoy.filters.listener.http_inspector" },
];
const listener = (address: string, port: number) => ({
  name: `${address}_${port}`,
  address: { socket_address: { address, port_value: port } },
});

test("a listener of the address wins over one of the port, and the redirecting one takes the rest", () => {
  const all = [
    { ...listener("0.0.0.0", 15001), use_original_dst: true },
    listener("0.0.0.0", 80),
    listener("10.0.0.1", 80),
  ];
  const at = (ip: string, port: number) => listenerFor(all, { ...connection, ip, port }, "outbound")?.listener["name"];
  expect([at("10.0.0.1", 80), at("10.0.0.2", 80), at("10.0.0.2", 81)]).toEqual([
    "10.0.0.1_80",
    "0.0.0.0_80",
    "0.0.0.0_15001",
  ]);
});

test("chains are narrowed criterion by criterion, the most specific first, and never back", () => {
  const chains = [
    { name: "any", filter_chain_match: {} },
    { name: "tls", filter_chain_match: { transport_protocol: "tls" } },
    { name: "sni", filter_chain_match: { transport_protocol: "tls", server_names: ["*.example.com"] } },
    { name: "exact", filter_chain_match: { server_names: ["a.example.com"], application_protocols: ["h2"] } },
    { name: "net", filter_chain_match: { prefix_ranges: [{ address_prefix: "10.1.0.0", prefix_len: 16 }] } },
  ];
  const all = { listener_filters: inspectors, filter_chains: chains };
  const at = (change: Partial<Connection>) => chainFor(all, { ...connection, ...change })?.chain["name"];
  expect(at({})).toBe("any");
  expect(at({ ip: "10.1.2.3" })).toBe("net");
  expect(at({ transport: "tls", serverName: "b.example.com" })).toBe("sni");
  expect(at({ transport: "tls", serverName: "other" })).toBe("tls");
  // The exact name is taken first; that it wants another protocol is found out too late.
  expect(at({ transport: "tls", serverName: "a.example.com", protocols: ["http/1.1"] })).toBeUndefined();
});

test("virtual hosts and routes: the best domain, the first route that matches, a reason for each that did not", () => {
  const host = (name: string, ...domains: string[]) => ({ name, domains });
  const table = { virtual_hosts: [host("all", "*"), host("suffix", "*.shop:80"), host("exact", "web.shop:80")] };
  expect(virtualHostFor(table, "web.shop:80")?.host["name"]).toBe("exact");
  expect(virtualHostFor(table, "x.shop:80")?.host["name"]).toBe("suffix");
  expect(virtualHostFor(table, "other")?.host["name"]).toBe("all");
  const routes = [
    { match: { path: "/b" } },
    { match: { prefix: "/a", headers: [{ name: "x", present_match: true }] } },
    { match: { prefix: "/", query_parameters: [{ name: "b", string_match: { exact: "z" } }] } },
    { name: "last", match: { safe_regex: { regex: "/[ab]" } } },
  ];
  const found = routeFor({ routes }, connection.headers ?? {});
  expect(found.route?.["name"]).toBe("last");
  expect(found.passed.map(({ reason }) => reason)).toEqual([
    "path /a is not /b",
    "header x is absent",
    'query parameter b is "c", wanted exact "z"',
  ]);
});

test("access rules: deny, allow, nobody, and what can't be told", () => {
  const policy = (permissions: unknown[], principals: unknown[]) => ({ permissions, principals });
  const any = { any: true };
  const named = (prefix: string) => ({ authenticated: { principal_name: { prefix } } });
  const decide = (action: string, policies: Record<string, unknown>, change: Partial<Connection> = {}) =>
    accessDecision({ action, policies }, { ...connection, ...change }).allowed;
  const get = { header: { name: ":method", string_match: { exact: "GET" } } };
  expect(decide("DENY", { a: policy([get], [any]) })).toBe(false);
  expect(decide("DENY", { a: policy([{ not_rule: get }], [any]) })).toBe(true);
  expect(decide("ALLOW", {})).toBe(false);
  expect(decide("ALLOW", { a: policy([any], [named("spiffe://x/")]) })).toBe(false);
  expect(decide("ALLOW", { a: policy([any], [named("spiffe://x/")]) }, { peer: "spiffe://x/ns/a/sa/b" })).toBe(true);
  expect(
    decide("ALLOW", {
      a: policy([{ destination_port: 80 }], [{ source_ip: { address_prefix: "10.0.0.0", prefix_len: 8 } }]),
    }),
  ).toBe(true);
  expect(decide("ALLOW", { a: policy([{ metadata: {} }], [any]) })).toBeUndefined();
});

test("targets are read with their defaults, and refused with what is missing", () => {
  expect(readTarget("reviews:9080", undefined, { Host: "x" })).toMatchObject({
    scheme: "http",
    port: 9080,
    path: "/",
    headers: { host: "x" },
  });
  expect(readTarget("https://a/b?c", "PUT", {})).toMatchObject({ port: 443, path: "/b?c", method: "PUT" });
  expect(readTarget("grpc://[fd00::1]:50051/pkg.S/M", undefined, {})).toMatchObject({
    host: "fd00::1",
    method: "POST",
  });
  for (const wrong of ["ftp://x", "tcp://x", "http://", "http://x:99999", ""])
    expect(typeof readTarget(wrong, undefined, {})).toBe("string");
});
