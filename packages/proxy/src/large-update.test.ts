/** A route table of ten thousand routes comes while the proxy serves. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createLogger, createManualClock, createSystemClock } from "@heddle/std";
import { freePort } from "@heddle/std/free-ports";
import { loadTypeRegistry, typeUrls, writeMessage } from "@heddle/xds-api";
import { ListenerSchema, RouteConfigurationSchema } from "./config/proto.ts";
import { createProxy } from "./proxy.ts";
import type { IncomingResource } from "./resources.ts";
import { createKernel } from "./transport/kernel.ts";
import { createIntake } from "./xds/intake.ts";

setDefaultTimeout(60_000);
const ROUTES = 10_000;
const clock = createSystemClock();
const log = createLogger({ clock, level: "error", scope: "test", sink: () => undefined });
const resolve = () => Promise.reject(new Error("nothing is looked up here"));

function startProxy() {
  return createProxy({
    kernel: createKernel(),
    clock,
    random: () => 0.5,
    uuid: () => "id",
    log,
    resolve,
    mark: undefined,
    exchange: undefined,
    drainMs: 0,
    memory: { processBytes: () => 0, group: () => undefined, file: () => "", shrink: () => undefined },
    localUri: () => "",
    observe: () => ({ http: [], tcp: [], logs: [] }),
    observeListener: () => [],
  });
}

/** The last route takes what the others leave and answers with `body`. */
function table(body: string, routes: number, lastStatus = 200): IncomingResource {
  const item = (i: number): JsonValue => ({
    match: i % 20 === 0 ? { safe_regex: { regex: `/item/${i}/[a-z]+` } } : { prefix: `/item/${i}/` },
    direct_response: { status: 404 },
  });
  const last = { match: { prefix: "/" }, direct_response: { status: lastStatus, body: { inline_string: body } } };
  const items = Array.from({ length: routes - 1 }, (_, i) => item(i));
  const message = fromJson(RouteConfigurationSchema, {
    name: "web",
    virtual_hosts: [{ name: "all", domains: ["*"], routes: [...items, last] }],
  });
  return { name: "web", version: body, bytes: writeMessage(RouteConfigurationSchema, message) };
}

async function webListener(port: number): Promise<IncomingResource> {
  const type = "type.googleapis.com/envoy.extensions.filters";
  const json: JsonValue = {
    name: "web",
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "web",
              rds: { route_config_name: "web", config_source: { ads: {} } },
              http_filters: [
                { name: "envoy.filters.http.router", typed_config: { "@type": `${type}.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
  const message = fromJson(ListenerSchema, json, { registry: await loadTypeRegistry() });
  return { name: "web", version: "1", bytes: writeMessage(ListenerSchema, message) };
}

test("requests are answered by the old table while a large one is decoded, and by the new one when it is whole", async () => {
  const proxy = startProxy();
  const port = freePort();
  proxy.start();
  try {
    const { resources } = proxy;
    expect(resources.apply(typeUrls.listener, [await webListener(port)], [])).toBeUndefined();
    expect(resources.apply(typeUrls.route, [table("old", 1)], [])).toBeUndefined();
    const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(await ask()).toBe("old");
    const taken: string[] = [];
    const between: string[] = [];
    let turns = 0;
    const intake = createIntake<IncomingResource>({
      steps: (resource) => resources.prepare(typeUrls.route, [resource]),
      take: (resource) => {
        taken.push(resource.version);
        expect(resources.apply(typeUrls.route, [resource], [])).toBeUndefined();
      },
      // Slices are ended by their steps alone, so that the number of turns does not depend on the machine.
      clock: createManualClock(),
      turn: (next) => {
        turns++;
        if (turns % 20 !== 0) setImmediate(next);
        else
          void ask().then((text) => {
            between.push(text);
            next();
          });
      },
    });
    intake.add(table("new", ROUTES));
    // Small as it is, it waits for the one before.
    intake.add(table("newest", 1));
    // Beside those that slices wait for there are always some under way.
    while (taken.length === 0) {
      const text = await ask();
      if (text !== "old") expect(taken).toEqual(["new", "newest"]);
    }
    expect(taken).toEqual(["new", "newest"]);
    expect(turns).toBeGreaterThanOrEqual(ROUTES / 100);
    expect(between.length).toBeGreaterThanOrEqual(5);
    expect(new Set(between)).toEqual(new Set(["old"]));
    expect(await ask()).toBe("newest");
  } finally {
    proxy.close();
  }
});

test("a large table that is wrong at its end is refused with the field's path; given up, it leaves nothing", () => {
  const proxy = startProxy();
  const { resources } = proxy;
  try {
    expect(resources.apply(typeUrls.route, [table("old", 1)], [])).toBeUndefined();
    const wrong = table("wrong", ROUTES, 99);
    const steps = resources.prepare(typeUrls.route, [wrong]);
    let taken = 0;
    for (const _ of steps ?? []) taken++;
    expect(taken).toBeGreaterThan(ROUTES);
    expect(resources.route("web")?.config.hosts[0]?.routes.length).toBe(1);
    expect(resources.apply(typeUrls.route, [wrong], [])).toBe(
      "web: virtual_hosts[0].routes[9999].direct_response.status: 99 is not a final status (200 to 599)",
    );
    const queue: (() => void)[] = [];
    const intake = createIntake<IncomingResource>({
      steps: (resource) => resources.prepare(typeUrls.route, [resource]),
      take: (resource) => void resources.apply(typeUrls.route, [resource], []),
      clock: createManualClock(),
      turn: (next) => void queue.push(next),
    });
    intake.add(table("lost", ROUTES));
    queue.shift()?.();
    intake.close();
    for (const next of queue.splice(0)) next();
    expect(queue.length).toBe(0);
    expect(resources.route("web")?.config.hosts[0]?.routes.length).toBe(1);
    const broken = { ...wrong, bytes: wrong.bytes.slice(0, -1) };
    expect(resources.apply(typeUrls.route, [broken], [])).toContain("the bytes can't be decoded");
  } finally {
    proxy.close();
  }
});
