import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Explanation, MeshDiff } from "@heddle/explain";
import { isKubeError } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import { fetchDump } from "../src/proxy-config/dump.ts";
import { runInProcess } from "./command-line.ts";
import { eventually } from "./mesh-cluster.ts";
import { settles } from "./settles.ts";
import { type Answer, echoOf } from "./traffic/call.ts";
import { objectsIn, service, startTraffic, type TrafficRig } from "./traffic/rig.ts";
import { both, subsets, virtualService } from "./traffic/traffic-case.ts";

/** A request, and what makes its way interesting. */
interface Prediction {
  readonly name: string;
  readonly client: "client" | "plain";
  readonly resources: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tcp?: boolean;
  /** Default: the Service's own. */
  readonly port?: number;
  /** A resource and field that the explanation has to name. */
  readonly names: string;
}

const deny = (name: string, spec: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: traffic}
spec: ${spec}
`;
const route = (name: string, rules: string) => virtualService(name, `http: [${rules}]`);

const predictions: readonly Prediction[] = [
  {
    name: "weighted",
    client: "client",
    resources: both(
      subsets("weighted"),
      route(
        "weighted",
        "{route: [{destination: {host: weighted, subset: v1}, weight: 70}, {destination: {host: weighted, subset: v2}, weight: 30}]}",
      ),
    ),
    names: "VirtualService traffic/weighted spec.http[0]",
  },
  {
    name: "by-match",
    client: "client",
    resources: both(
      subsets("by-match"),
      route(
        "by-match",
        "{match: [{headers: {end-user: {exact: jason}}, uri: {prefix: /api}}], route: [{destination: {host: by-match, subset: v2}}]}, {route: [{destination: {host: by-match, subset: v1}}]}",
      ),
    ),
    path: "/api/x",
    headers: { "end-user": "jason" },
    names: "VirtualService traffic/by-match spec.http[0].match[0]",
  },
  {
    name: "aborted",
    client: "client",
    resources: route(
      "aborted",
      "{fault: {abort: {percentage: {value: 40}, httpStatus: 418}}, route: [{destination: {host: aborted}}]}",
    ),
    names: "VirtualService traffic/aborted spec.http[0].fault.abort",
  },
  {
    name: "unmatched",
    client: "client",
    resources: route("unmatched", "{match: [{uri: {exact: /only}}], route: [{destination: {host: unmatched}}]}"),
    names: "VirtualService traffic/unmatched",
  },
  {
    name: "no-subset",
    client: "client",
    resources: route("no-subset", "{route: [{destination: {host: no-subset, subset: gone}}]}"),
    names: "VirtualService traffic/no-subset spec.http[0]",
  },
  {
    name: "denied",
    client: "client",
    resources: deny(
      "no-delete",
      '{action: DENY, rules: [{to: [{operation: {methods: [DELETE], paths: ["/denied*"]}}]}]}',
    ),
    path: "/denied/x",
    method: "DELETE",
    names: "AuthorizationPolicy traffic/no-delete spec.rules[0]",
  },
  {
    name: "detour",
    client: "client",
    resources: deny("no-detour", '{action: DENY, rules: [{to: [{operation: {paths: ["/detour*"]}}]}]}'),
    // The URL parser of the client takes dots away itself, but leaves this to the proxies.
    path: "/%64etour/x",
    names: "AuthorizationPolicy traffic/no-detour spec.rules[0]",
  },
  { name: "no-port", client: "client", resources: "", port: 8399, names: "Service traffic/no-port" },
  { name: "bytes", client: "client", resources: "", tcp: true, names: "Service traffic/bytes" },
  {
    name: "plain-text",
    client: "plain",
    resources: `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: echo, namespace: traffic}
spec: {selector: {matchLabels: {app: echo}}, mtls: {mode: STRICT}}
`,
    names: "PeerAuthentication traffic/echo spec.mtls.mode",
  },
];
const portOf = (one: Prediction) => one.port ?? (one.tcp === true ? 9000 : 8300 + predictions.indexOf(one));

const envoy = process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy") ?? undefined;
/** Callers in the mesh, by data plane. */
const planes: Readonly<Record<string, string>> = {
  client: "heddle",
  ...(envoy !== undefined && existsSync(envoy) ? { "client-envoy": "envoy" } : {}),
};
if (!("client-envoy" in planes)) console.log("what Envoy does is not compared: no Envoy; set HEDDLE_ENVOY");

/** A caller outside of the mesh. */
const plain = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: traffic}
spec:
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain, sidecar.istio.io/inject: "false"}}
    spec:
      containers:
        - name: caller
          image: debian
          command: [/opt/heddle/bun, /opt/heddle/repo/packages/cli/test/traffic/caller.ts]
          readinessProbe: {tcpSocket: {port: 8090}, periodSeconds: 1}
`;

let rig: TrafficRig;
/** Versions of the echo pods, by name. */
let versionOf: ReadonlyMap<string, string>;

beforeAll(async () => {
  rig = await startTraffic(
    "test-explain",
    planes,
    [
      ...predictions.map((one) => service(one.name, 8300 + predictions.indexOf(one))),
      ...predictions.flatMap((one) => objectsIn(one.resources)),
      ...objectsIn(plain),
    ].filter((object) => object !== null),
  );
  const pods = await rig.podsOf("app=echo");
  versionOf = new Map(pods.map((pod) => [pod.metadata.name, textOf(at(pod, "metadata", "labels", "version"))]));
}, 180_000);

afterAll(async () => {
  await rig?.close();
}, 60_000);

const heddle = (...args: readonly string[]) => runInProcess(rig.cluster.kubeconfig, ["heddle", ...args]);

/** Part of the requests that each version answers, and each status that is nobody's answer. */
type Shares = Readonly<Record<string, number>>;

function explain(client: string, url: string, ...more: readonly string[]) {
  return heddle("explain", "request", "-n", "traffic", "--from", `deploy/${client}`, "--to", url, ...more);
}

async function predicted(
  one: Prediction,
  client: string,
  url: string,
): Promise<{ readonly shares: Shares; readonly text: string }> {
  const headers = Object.entries(one.headers ?? {}).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const method = one.method === undefined ? [] : ["-X", one.method];
  const { code, out, err } = await explain(client, url, ...headers, ...method, "-o", "json");
  if (code !== 0) throw new Error(err);
  const { outcomes } = JSON.parse(out) as Explanation;
  const shares: Record<string, number> = {};
  for (const { share, result, status, reason } of outcomes) {
    const pod = /arrives at ([^.]+)\.traffic/.exec(reason)?.[1];
    const key = result === "delivered" ? (versionOf.get(pod ?? "") ?? reason) : `status ${status ?? 0}`;
    shares[key] = (shares[key] ?? 0) + share;
  }
  return { shares, text: out };
}

function observed(answers: readonly Answer[], tcp: boolean): Shares {
  const shares: Record<string, number> = {};
  for (const answer of answers) {
    const key =
      tcp && answer.status === 200 ? answer.text.trim() : (echoOf(answer)?.version ?? `status ${answer.status}`);
    shares[key] = (shares[key] ?? 0) + 1 / answers.length;
  }
  return shares;
}

const REQUESTS = 200;
/** Four standard deviations of a share of one half in 200 draws. */
const TOLERANCE = 0.15;

describe("what explain says is what happens", () => {
  test.each(
    predictions.flatMap((one) =>
      (one.client === "client" ? Object.keys(planes) : [one.client]).map(
        (client) => [`${one.name}, from ${client}`, one, client] as const,
      ),
    ),
  )(
    "%s",
    async (_name, one, client) => {
      const url = `${one.tcp === true ? "tcp" : "http"}://${one.name}:${portOf(one)}${one.tcp === true ? "" : (one.path ?? "/")}`;
      const call = {
        url,
        ...(one.method === undefined ? {} : { method: one.method }),
        ...(one.headers === undefined ? {} : { headers: one.headers }),
      };
      // One that fails by a timeout each time would take minutes.
      const times = one.client === "plain" ? 5 : REQUESTS;
      await eventually(
        `agreement about ${one.name}`,
        async () => {
          const [{ shares, text }, answers] = [await predicted(one, client, url), await rig.call(client, call, times)];
          const found = observed(answers, one.tcp === true);
          for (const key of new Set([...Object.keys(shares), ...Object.keys(found)])) {
            const [want, got] = [shares[key] ?? 0, found[key] ?? 0];
            // What can't happen must not, what always happens must.
            if (want === 0 || want > 0.999 ? Math.abs(want - got) > 0.001 : Math.abs(want - got) > TOLERANCE)
              throw new Error(`predicted ${JSON.stringify(shares)}, found ${JSON.stringify(found)}`);
          }
          const [object = "", path] = one.names.split(" spec.");
          expect(text).toContain(`"object": "${object}"`);
          if (path !== undefined) expect(text).toContain(JSON.stringify(`spec.${path}`));
          return true;
        },
        40_000,
      );
    },
    60_000,
  );
});

describe("outside of the mesh", () => {
  /** Requests that reached the caller without a sidecar, and what was predicted. */
  async function reached(client: string, url: string): Promise<readonly string[]> {
    const answers = await rig.call(client, { url }, 3);
    const { code, out, err } = await explain(client, url);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("=> DELIVERED");
    return answers.map((answer) => echoOf(answer)?.version ?? `status ${answer.status}`);
  }

  test.each(
    Object.keys(planes),
  )("%s reaches an address that nobody names (ALLOW_ANY), and a host by its endpoints (STATIC)", async (client) => {
    const [plainPod] = await rig.podsOf("app=plain");
    const ip = textOf(at(plainPod, "status", "podIP"));
    await rig.kube.applyObjects(
      objectsIn(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: static, namespace: traffic}
spec:
  hosts: [Static.outside.test]
  resolution: STATIC
  ports: [{number: 8391, name: http, protocol: HTTP}]
  endpoints: [{address: ${ip}, ports: {http: 8090}, weight: 3}, {address: ${ip}, ports: {http: 8090}, labels: {zone: b}}]
`),
    );
    const three = ["caller", "caller", "caller"];
    await settles(async () => expect(await reached(client, `http://${ip}:8090/`)).toEqual(three));
    await settles(async () => expect(await reached(client, "http://static.outside.test:8391/")).toEqual(three));
  }, 60_000);
});

test("diff names exactly the workloads whose proxies a change then changes", async () => {
  const file = join(tmpdir(), `explain-diff-${process.pid}.yaml`);
  const rule = `http: [{match: [{sourceLabels: {app: client}, uri: {prefix: /new}}], route: [{destination: {host: bytes}}]}]`;
  const change = virtualService("no-port", rule);
  writeFileSync(file, change);
  const pods = (await rig.podsOf("")).filter(
    ({ metadata }) => metadata.labels?.["security.istio.io/tlsMode"] === "istio",
  );
  const workloadOf = (name: string) => `traffic/${name.replace(/-[0-9a-z]+-[0-9a-z]+$/, "")}`;
  const withoutSources = (key: string, value: unknown) => (key === "metadata" ? undefined : value);
  /** What decides about requests. Endpoints are no part of it: pods may come and go meanwhile. */
  const seen = async () => {
    const dumps = pods.map(async ({ metadata: { name } }) => {
      const { listeners, routes, clusters } = await fetchDump(rig.kube, "traffic", name);
      return [workloadOf(name), JSON.stringify([listeners, routes, clusters], withoutSources)] as const;
    });
    return new Map(await Promise.all(dumps));
  };
  try {
    const { code, out, err } = await heddle("explain", "diff", "-f", file, "-o", "json");
    expect([code, err]).toEqual([0, ""]);
    const { changes } = JSON.parse(out) as MeshDiff;
    const named = changes.flatMap(({ workloads }) => workloads);
    expect(named).toEqual(["traffic/client"]);
    const before = await seen();
    await rig.kube.applyObjects(objectsIn(change));
    await settles(async () => {
      const after = await seen();
      expect([...after].filter(([name, text]) => before.get(name) !== text).map(([name]) => name)).toEqual(named);
    });
  } finally {
    rmSync(file, { force: true });
  }
}, 60_000);

describe("problems", () => {
  test("analyze says what is wrong in the cluster, with exit code 79; a file is seen as it would be there", async () => {
    const { code, out, err } = await heddle("analyze", "-n", "traffic");
    expect(code).toBe(79);
    expect(out).toContain(
      "Error [IST0101] (VirtualService traffic/no-subset) spec.http[0].route[0].destination.subset",
    );
    expect(out).not.toContain("[IST0101] (VirtualService traffic/weighted)");
    expect(err).toContain("Analyzers found issues when analyzing namespace: traffic");
  }, 60_000);

  test("an invalid resource is refused with its path, cause and next step", async () => {
    const dynamic = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: dynamic, namespace: traffic}
spec: {hosts: ["*.example.com"], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DYNAMIC_DNS}
`;
    for (const [text, said] of [
      [virtualService("wrong", "http: [{rout: [], timeout: soon}]"), "spec.http[0]"],
      [dynamic, "spec.resolution: DYNAMIC_DNS is not available: proxies do not look up the names"],
    ] as const) {
      const [wrong] = objectsIn(text);
      const refusal = await rig.kube
        .create(wrong as Parameters<typeof rig.kube.create>[0])
        .catch((error: unknown) => error);
      expect(isKubeError(refusal)).toBe(true);
      expect(String(refusal)).toContain(said);
    }
  }, 60_000);

  test("what is accepted with a warning says so in its status", async () => {
    const [noted] = objectsIn(
      virtualService(
        "noted",
        "tcp: [{match: [{port: 81, sourceSubnet: 10.0.0.0/8}], route: [{destination: {host: bytes}}]}]",
      ),
    );
    await rig.kube.applyObjects(noted === undefined ? [] : [noted]);
    const ref = {
      group: "networking.istio.io",
      version: "v1",
      resource: "virtualservices",
      name: "noted",
      namespace: "traffic",
    };
    const condition = await eventually(
      "the condition",
      async () => {
        const conditions = at(await rig.kube.get(ref), "status", "conditions");
        return Array.isArray(conditions) ? conditions[0] : undefined;
      },
      30_000,
    );
    expect(condition).toMatchObject({ type: "Reconciled", status: "True", reason: "AcceptedWithWarnings" });
    expect(textOf(at(condition, "message"))).toContain("spec.tcp[0].match[0].sourceSubnet");
  }, 60_000);
});
