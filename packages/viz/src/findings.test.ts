import { expect, test } from "bun:test";
import { createControlPlaneClient } from "./control-plane-client.ts";
import { createFindings } from "./findings.ts";
import { createGateways } from "./gateways.ts";
import { type Inventory, podInfo, serviceInfo } from "./inventory.ts";
import { findingProblems } from "./query/finding-problems.ts";
import { gatewayProblems } from "./query/gateway-problems.ts";

const pod = (name: string, labels: Readonly<Record<string, string>>) =>
  podInfo({
    metadata: { name, namespace: "istio-system", labels },
    spec: { containers: [{ name: "app" }] },
    status: { phase: "Running", podIP: name },
  });
const inventory: Inventory = {
  pods: () => [
    pod("one", { app: "istiod" }),
    pod("two", { app: "istiod" }),
    pod("mirror", { component: "linkerd-service-mirror" }),
    pod("ew", { istio: "eastwestgateway", "topology.istio.io/network": "n1" }),
  ],
  services: () => [
    mirror("web-west", "mirror.linkerd.io/mirrored-service"),
    mirror("probe-gateway-west", "mirror.linkerd.io/mirrored-gateway"),
  ],
};

function mirror(name: string, mark: string) {
  const labels = { [mark]: "true", "mirror.linkerd.io/cluster-name": "west" };
  return serviceInfo({ metadata: { name, namespace: "app", labels }, spec: {} });
}

function asked(answers: Readonly<Record<string, string>>) {
  const urls: string[] = [];
  const fetchText = async (url: string) => {
    urls.push(url);
    const found = answers[url];
    if (found === undefined) throw new Error("HTTP 404");
    if (found === "down") throw new Error("connection refused");
    return found;
  };
  return { urls, fetchText, client: createControlPlaneClient({ inventory, fetchText }) };
}

const finding = {
  code: "IST0101",
  name: "ReferencedResourceNotFound",
  level: "Error",
  origin: "VirtualService x/emoji",
  path: "spec.http[0]",
  message: 'subset "nowhere" is not there; add it to a DestinationRule',
};

test("a dead gateway and a cluster that is not read are problems", () => {
  const gateway = {
    name: "gw",
    namespace: "m",
    latencyMsP50: null,
    latencyMsP95: null,
    latencyMsP99: null,
    services: 1,
  };
  const cluster = { id: "west", secret: "s", reason: "", replica: "one" };
  const found = gatewayProblems({
    timeMs: 0,
    gaps: [],
    gateways: [
      { ...gateway, cluster: "west", side: "remote", alive: false },
      { ...gateway, cluster: "east", side: "this cluster", alive: true },
    ],
    clusters: [
      { ...cluster, status: "timeout" },
      { ...cluster, id: "north", status: "synced" },
    ],
  });
  expect(found.map((p) => p.what)).toEqual([
    "The gateway gw of west is not alive",
    "Cluster west is not read: timeout",
  ]);
});

test("findings come from the replica that answers, and are asked for once a while", async () => {
  const { urls, client } = asked({
    "http://one:15014/debug/analyze": "down",
    "http://two:15014/debug/analyze": JSON.stringify([finding, { code: 7 }, null]),
  });
  const ask = createFindings(client, () => 0);
  expect((await ask()).rows).toEqual([finding]);
  await ask();
  expect(urls).toHaveLength(2);
});

test("no control plane that answers is a gap, one that does not know the question is none", async () => {
  const down = asked({ "http://one:15014/debug/analyze": "down", "http://two:15014/debug/analyze": "down" });
  expect((await createFindings(down.client, () => 0)()).gaps).toEqual([expect.stringContaining("connection refused")]);
  expect(await createFindings(asked({}).client, () => 0)()).toEqual({ rows: [], gaps: [] });
});

test("a finding is a problem with cause and next step; information is none", () => {
  const [problem, ...more] = findingProblems([finding, { ...finding, level: "Info" }]);
  expect(more).toEqual([]);
  expect(problem).toMatchObject({
    severity: "error",
    what: "VirtualService x/emoji: referenced resource not found (IST0101)",
    cause: 'subset "nowhere" is not there',
    next: "add it to a DestinationRule (spec.http[0] of VirtualService x/emoji); heddle analyze -n x tells whether it is mended",
  });
});

test("what comes of it belongs to the cause", () => {
  const message = "Host is not there; requests are answered 503. Create the Service";
  const [problem] = findingProblems([{ ...finding, message }]);
  expect(problem?.cause).toBe("Host is not there; requests are answered 503");
  expect(problem?.next).toStartWith("Create the Service (spec");
});

test("gateways: our own, those that the mirror probes, clusters that the control plane reads", async () => {
  const { client, fetchText } = asked({
    "http://mirror:9999/metrics":
      'gateway_alive{target_cluster_name="west",gateway_name="linkerd-gateway"} 1\ngateway_probe_latency_ms_bucket{target_cluster_name="west",le="10"} 4\ngateway_probe_latency_ms_bucket{target_cluster_name="west",le="+Inf"} 4\n',
    "http://one:15014/metrics": "",
    "http://two:15014/metrics": "",
    "http://one:15014/debug/clusterz":
      '[{"id":"here","syncStatus":"synced"},{"id":"west","secretName":"istio-system/west","syncStatus":"synced"}]',
    "http://one:15014/debug/networkz?probe=true":
      '{"gateways":{"n1":[{"address":"192.0.2.1","port":15443,"problem":"","latencyMs":1}],"n2":[{"address":"192.0.2.2","port":15443,"problem":"","latencyMs":31.5},{"address":"192.0.2.3","port":15443,"problem":"no answer within 2 s"}]}}',
  });
  const answer = await createGateways({ client, inventory, fetchText, nowMs: () => 0 })();
  expect(answer.gaps).toEqual([]);
  expect(answer.gateways.map((g) => [g.cluster, g.side, g.alive, g.latencyMsP50])).toEqual([
    ["n1", "this cluster", true, null],
    ["n2", "remote", true, 31.5],
    ["n2", "remote", false, null],
    ["west", "remote", true, 5],
  ]);
  // What is mirrored counts; the Service of the probed gateway itself is none of it.
  expect(answer.gateways.find((g) => g.cluster === "west")?.services).toBe(1);
  expect(answer.clusters).toEqual([
    { id: "west", secret: "istio-system/west", status: "synced", reason: "", replica: "one" },
  ]);
});
