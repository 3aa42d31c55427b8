import { beforeAll, expect, test } from "bun:test";
import { fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { damaged, seededRandom } from "@heddle/std/damage";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { RuntimeSchema } from "@heddle/xds-api/envoy/service/runtime/v3/rtds";
import { stringify } from "yaml";
import { breadthBootstrap } from "../../test/rig/breadth-config.ts";
import { foreignCertificate } from "../../test/rig/foreign-certificate.ts";
import {
  LISTENERS,
  type ListenerPorts,
  listenersBootstrap,
  NAMED_CHAINS,
  type NamedChain,
} from "../../test/rig/listeners-config.ts";
import { MATCHER_LISTENERS, type MatcherListener, matchersBootstrap } from "../../test/rig/matchers-config.ts";
import { parseBootstrap, type StaticResources } from "../bootstrap.ts";
import { decodeResource } from "./resources.ts";
import { problemText } from "./scope.ts";

// Whatever a file or a control plane says: nothing throws or hangs, and what is wrong is said with its place.

const V2 = `
static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 80}}
    filter_chains:
    - tls_context: {common_tls_context: {tls_certificates: [{certificate_chain: {inline_string: a}, private_key: {inline_string: b}}]}}
      filters:
      - name: envoy.http_connection_manager
        config:
          stat_prefix: a
          route_config: {virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {regex: "/a.*"}, route: {cluster: c, host_rewrite: d}}]}]}
          http_filters: [{name: envoy.router}]
  clusters: [{name: c, type: strict_dns, connect_timeout: 1s, hosts: [{socket_address: {address: localhost, port_value: 1}}]}]
runtime: {base: {a: 1}}
admin: {access_log_path: /dev/null, address: {socket_address: {address: 127.0.0.1, port_value: 1}}}
`;
/** What JavaScript says when a program is wrong, not its input. */
const BUGS =
  /undefined is not|null is not|is not a function|is not iterable|call stack|Cannot (read|destructure)|evaluating|out of memory/i;
const SLOW_MS = 1000;

let registry: Registry;
let files: readonly JsonValue[];
let resources: readonly StaticResources[];
beforeAll(async () => {
  registry = await loadTypeRegistry();
  const listen = Object.fromEntries(LISTENERS.map((name, i) => [name, i + 1])) as ListenerPorts;
  const matchers = Object.fromEntries(MATCHER_LISTENERS.map((name, i) => [name, i + 1])) as Record<
    MatcherListener,
    number
  >;
  const certificate = await foreignCertificate();
  const secure = { "one.sni.test": 1, "two.sni.test": 2 };
  const talkers = Object.fromEntries(Object.keys(NAMED_CHAINS).map((name) => [name, 3])) as Record<NamedChain, number>;
  files = [
    breadthBootstrap({ listen: 1, origins: [2, 3, 4], streams: 5, refusing: 6 }) as JsonValue,
    matchersBootstrap(matchers) as JsonValue,
    listenersBootstrap({ ports: listen, web: 1, echo: 2, secure, talkers, certificate, log: "/dev/null" }) as JsonValue,
  ];
  resources = files.flatMap((file) => {
    const read = parseBootstrap(JSON.stringify(file), "whole.json", registry);
    if (!read.ok) throw new Error(read.error.join("; "));
    return read.value.resources;
  });
  const layer = { name: "flags", layer: { a: { b: { numerator: 5 } }, "c.d": "1", e: true } };
  const bytes = toBinary(RuntimeSchema, fromJson(RuntimeSchema, layer));
  resources = [...resources, { typeUrl: typeUrls.runtime, resources: [{ name: "flags", version: "", bytes }] }];
});

/** Runs one input; gives what it said. Errors: throws for a bug and for what takes too long. */
function said(run: () => string): string {
  const start = process.cpuUsage();
  const text = run();
  if (BUGS.test(text)) throw new Error(`a bug, not a problem of the input: ${text}`);
  // Of the processor: a machine that does other things makes nothing slow.
  const took = process.cpuUsage(start).user / 1000;
  if (took > SLOW_MS) throw new Error(`took ${took} ms: ${text}`);
  return text;
}

const readText = (text: string, name: string) =>
  said(() => {
    const read = parseBootstrap(text, name, registry);
    if (!read.ok) for (const problem of read.error) expect(problem).toStartWith(name);
    return read.ok ? "" : read.error.join("; ");
  });

/** One value of a tree becomes something else. */
function replaced(value: JsonValue, random: () => number): JsonValue {
  const others: readonly JsonValue[] = [
    null,
    "",
    "x",
    -1,
    0,
    1.5,
    1e300,
    true,
    [],
    {},
    [[]],
    { a: {} },
    "1s",
    "-1s",
    "@",
    "999999999999s",
    ["*"],
    "%",
    "%REQ(",
    "(",
    "\u0000",
    "NaN",
  ];
  if (typeof value !== "object" || value === null || random() < 0.08)
    return others[Math.floor(random() * others.length)] ?? null;
  if (Array.isArray(value)) {
    if (value.length === 0) return others[Math.floor(random() * others.length)] ?? null;
    const at = Math.floor(random() * value.length);
    return value.map((item, i) => (i === at ? replaced(item, random) : item));
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return "x";
  const chosen = keys[Math.floor(random() * keys.length)] ?? "";
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === chosen ? replaced(item, random) : item]),
  );
}

/** A file with one of its listeners and clusters each: smaller, so that more of it is damaged. */
function piece(file: JsonValue, random: () => number): JsonValue {
  const fixed = (file as { static_resources: { listeners?: JsonValue[]; clusters?: JsonValue[] } }).static_resources;
  const one = (list: JsonValue[] = []) => list.slice(Math.floor(random() * list.length)).slice(0, 1);
  return { static_resources: { listeners: one(fixed.listeners), clusters: one(fixed.clusters) } };
}

test("a damaged tree of a bootstrap is refused with its place, or taken", () => {
  const random = seededRandom(51);
  let refused = 0;
  let taken = 0;
  for (let round = 0; round < 60; round++) {
    const tree = replaced(piece(files[round % files.length] ?? {}, random), random);
    const read = parseBootstrap(JSON.stringify(tree), "a.json", registry);
    if (!read.ok) {
      refused++;
      expect(said(() => read.error.join("; "))).toStartWith("a.json");
      continue;
    }
    for (const { typeUrl, resources: list } of read.value.resources)
      for (const { bytes } of list)
        said(() => {
          const decoded = decodeResource(typeUrl, bytes);
          if (decoded.ok) taken++;
          else for (const problem of decoded.error) expect(problem.reason).not.toBe("");
          return decoded.ok ? "" : problemText(decoded.error);
        });
  }
  expect(refused).toBeGreaterThan(5);
  expect(taken).toBeGreaterThan(5);
}, 30_000);

test("a damaged text of a bootstrap is refused with the file's name, in v3 and v2, YAML and JSON", () => {
  const random = seededRandom(52);
  const small = piece(files[0] ?? {}, random);
  const texts = [V2, stringify(small), JSON.stringify(small)];
  let refused = 0;
  for (let round = 0; round < 24; round++) {
    const text = damaged(Buffer.from(texts[round % texts.length] ?? ""), random).toString("utf8");
    if (readText(text, "b.yaml") !== "") refused++;
  }
  expect(refused).toBeGreaterThan(5);
}, 30_000);

test("damaged bytes of a resource are refused, or taken", () => {
  const random = seededRandom(53);
  const all = resources.flatMap(({ typeUrl, resources: list }) => list.map(({ bytes }) => ({ typeUrl, bytes })));
  const kinds = new Set<string>();
  for (let round = 0; round < 240; round++) {
    const { typeUrl, bytes } = all[Math.floor(random() * all.length)] ?? { typeUrl: "", bytes: new Uint8Array(0) };
    const text = said(() => {
      const decoded = decodeResource(typeUrl, damaged(bytes, random));
      return decoded.ok ? "" : problemText(decoded.error);
    });
    kinds.add(text === "" ? "taken" : text.slice(0, 20));
  }
  expect(kinds.size).toBeGreaterThan(5);
}, 30_000);
