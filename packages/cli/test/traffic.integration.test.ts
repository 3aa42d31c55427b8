import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect } from "node:tls";
import { settles } from "./settles.ts";
import { echoOf } from "./traffic/call.ts";
import { envoyFilterCases } from "./traffic/envoy-filter-cases.ts";
import { type GatewayResources, gatewayResources } from "./traffic/gateway-resources.ts";
import { kindsCases } from "./traffic/kinds-cases.ts";
import { applyMany, calmPort, hasRule, manyPort, manyRules, RULES } from "./traffic/many-rules.ts";
import { nearnessCases } from "./traffic/nearness-cases.ts";
import { outsideCases } from "./traffic/outside-cases.ts";
import { outsideResources } from "./traffic/outside-resources.ts";
import { objectsIn, service, startTraffic, type TrafficRig } from "./traffic/rig.ts";
import { routeCases } from "./traffic/route-cases.ts";
import type { CaseContext, TrafficCase } from "./traffic/traffic-case.ts";
import { upstreamCases } from "./traffic/upstream-cases.ts";
import { laterRule, refusedListeners, wrongFilter } from "./traffic/wrong-filters.ts";

const cases = [...routeCases, ...upstreamCases, ...outsideCases, ...kindsCases, ...envoyFilterCases, ...nearnessCases];
const portOf = (one: TrafficCase) => 8100 + cases.indexOf(one);
const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
const planes: Readonly<Record<string, string>> = {
  client: "heddle",
  ...(envoy !== undefined && existsSync(envoy) ? { "client-envoy": "envoy" } : {}),
};
if (!("client-envoy" in planes)) console.log("the Envoy data plane is left out: no Envoy; set HEDDLE_ENVOY");

/** Configuration reaches proxies within this; a check is repeated until it holds. Units: ms. */
const CONVERGED_MS = 30_000;
let rig: TrafficRig;
let gateway: GatewayResources;

beforeAll(async () => {
  gateway = await gatewayResources();
  const objects = [
    ...cases.map((one) => service(one.name, portOf(one))),
    ...cases.flatMap((one) => objectsIn(one.resources)),
    ...gateway.objects,
    service("many", manyPort),
    service("calm", calmPort),
    ...(await outsideResources()),
  ];
  rig = await startTraffic("test-traffic", planes, objects);
}, 180_000);

afterAll(async () => {
  await rig?.close();
}, 60_000);

async function counted(version: string, key: string): Promise<number> {
  const selector = `app=echo,version=${version}`;
  const counts = (await (await fetch(`${await rig.reach(selector, 8080)}/counts`)).json()) as Record<string, number>;
  return counts[key] ?? 0;
}

async function label(version: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
  const [pod] = await rig.podsOf(`app=echo,version=${version}`);
  const ref = { apiVersion: "v1", kind: "Pod", namespace: "traffic", name: pod?.metadata.name ?? "" };
  await rig.kube.patch(ref, { metadata: { labels } });
}

for (const [client, plane] of Object.entries(planes)) {
  describe(`caller on ${plane}`, () => {
    test.each(cases.map((one) => [`${one.name}: ${one.proves}`, one] as const))(
      "%s",
      async (_title, one) => {
        const context: CaseContext = {
          client,
          url: `http://${one.name}:${portOf(one)}`,
          call: (call, times, parallel) => rig.call(client, call, times, parallel),
          counted,
          label,
        };
        await settles(() => one.check(context), CONVERGED_MS);
      },
      CONVERGED_MS + 45_000,
    );
  });
}

test("addresses that hosts were given are on record in their status", async () => {
  await settles(async () => {
    const ref = { group: "networking.istio.io", version: "v1", resource: "serviceentries", namespace: "traffic" };
    const { items } = await rig.kube.list(ref);
    const given = items.map(({ metadata, status }) => [metadata.name, JSON.stringify(status ?? {})]);
    expect(given.find(([name]) => name === "far")?.[1]).toMatch(/"host":"echo.far.global","value":"240\.0\./);
    expect(given.find(([name]) => name === "wildcard")?.[1]).not.toContain("240.");
  }, CONVERGED_MS);
}, 30_000);

/** `GET /x` over TLS with a server name; the certificate has to be for it. Errors: what TLS complains about. */
function tlsGet(port: number, servername: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, servername, ca }, () => {
      socket.write(`GET /x HTTP/1.1\r\nhost: ${servername}\r\nconnection: close\r\n\r\n`);
    });
    socket.setTimeout(5000, () => socket.destroy(new Error("timed out")));
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => (text === "" ? reject(new Error("closed without an answer")) : resolve(text)));
  });
}

describe.each(Object.values(planes))("ingress gateway on %s", (plane) => {
  const pod = `gateway=${plane}`;
  const get = (base: string, host: string, path = "/") =>
    fetch(`${base}${path}`, { headers: { host }, redirect: "manual", signal: AbortSignal.timeout(5000) });

  test("routes by host; other hosts are answered 404; a redirect to HTTPS; EnvoyFilters for gateways", async () => {
    const base = await rig.reach(pod, 8080);
    await settles(async () => {
      const answer = await get(base, "shop.example.com", "/v2");
      expect(answer.status).toBe(200);
      const text = await answer.text();
      const echo = echoOf({ status: 200, headers: {}, text, ms: 0 });
      expect([echo?.version, echo?.headers["x-gateway"]]).toEqual(["v2", "gateway"]);
      expect((await get(base, "other.example.com")).status).toBe(404);
      const moved = await get(base, "secure.example.com", "/a");
      expect([moved.status, moved.headers.get("location")]).toEqual([301, "https://secure.example.com/a"]);
    }, CONVERGED_MS);
  }, 60_000);

  test("ends TLS with the certificate of a Secret, chosen by server name", async () => {
    const port = Number(new URL(await rig.reach(pod, 8443)).port);
    await settles(async () => {
      const answer = await tlsGet(port, "secure.example.com", gateway.root);
      expect(answer).toStartWith("HTTP/1.1 200");
      expect(answer).toContain('"path":"/x"');
    }, CONVERGED_MS);
    await expect(tlsGet(port, "unknown.example.com", gateway.root)).rejects.toThrow();
  }, 60_000);
});

test("an EnvoyFilter that proxies refuse: its listener stays as it was, and later rules come into force", async () => {
  const clients = Object.keys(planes);
  await rig.kube.applyObjects(wrongFilter);
  await settles(async () => {
    for (const client of clients) expect(await refusedListeners(rig, `app=${client}`)).toContain("script");
  }, CONVERGED_MS);
  await rig.kube.applyObjects(laterRule);
  for (const client of clients)
    await settles(async () => {
      const answers = await rig.call(client, { url: `http://calm:${calmPort}/` }, 5);
      expect(answers.map(({ status, headers }) => [status, headers["x-later"]])).toEqual(Array(5).fill([200, "yes"]));
    }, CONVERGED_MS);
  for (const plane of Object.values(planes)) {
    expect(await refusedListeners(rig, `gateway=${plane}`)).toBe("");
    const { status } = await fetch(await rig.reach(`gateway=${plane}`, 8080), {
      headers: { host: "shop.example.com" },
    });
    expect(status).toBe(200);
  }
  for (const { apiVersion, kind, metadata } of wrongFilter)
    await rig.kube.delete({ apiVersion, kind, name: metadata.name, namespace: "traffic" });
  await settles(async () => {
    for (const client of clients) expect(await refusedListeners(rig, `app=${client}`)).toBe("");
  }, CONVERGED_MS);
}, 180_000);

test("thousands of rules come while others are served; wrong ones are refused, and the last good stay", async () => {
  const clients = Object.keys(planes);
  for (const { answers, failed } of await applyMany(rig, clients, "good", 60_000)) {
    expect(failed).toEqual([]);
    expect(answers).toBeGreaterThan(0);
  }
  const route = [{ destination: { host: "many" } }];
  const wrong = {
    "a weight below zero": { route: [{ ...route[0], weight: -1 }] },
    "a regular expression too large": { match: [{ uri: { regex: "((a{999}){999}){999}" } }], route },
  };
  for (const [what, rule] of Object.entries(wrong)) {
    const refusal = await rig.kube.applyObjects([manyRules("bad", [rule])]).catch((error: unknown) => String(error));
    expect(`${what}: ${refusal}`).toContain(`spec.http[${RULES}]`);
  }
  for (const client of clients) await hasRule(rig, client, "good");
}, 120_000);

// Last, because Envoy holds its lines back for ten seconds.
test.each(
  Object.values(planes),
)("a gateway on %s logs by the Telemetry that names it, once what none of its filter chains takes; others log nothing", async (plane) => {
  await settles(async () => {
    const lines = (await rig.logOf(`gateway=${plane}`)).split("\n");
    expect(lines.filter((line) => line.includes("unknown.example.com"))).toEqual([
      expect.stringMatching(/\] "- - -" 0 NR filter_chain_not_found - /),
    ]);
    expect(lines.some((line) => line.includes('"GET /x HTTP/1.1" 200 - via_upstream'))).toBe(true);
  }, CONVERGED_MS);
  for (const client of Object.keys(planes)) expect(await rig.logOf(`app=${client}`)).not.toContain("via_upstream");
}, 60_000);
