import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseExposition } from "@heddle/std";
import { freePort } from "@heddle/std/free-ports";
import { createApi } from "../src/api.ts";
import { type Inventory, podInfo } from "../src/inventory.ts";
import { createPrometheusApi } from "../src/prometheus/prometheus-api.ts";
import { createMetricStore } from "../src/store/store.ts";

const [prometheus, promtool] = [Bun.which("prometheus"), Bun.which("promtool")];
if (!prometheus || !promtool)
  console.log("skipped: no prometheus on this machine; Debian has it: apt-get install prometheus");

/** Units: ms. Both stores get the same samples of the same times. */
const INTERVAL_MS = 10_000;
const SCRAPES = 60;
const END_MS = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;

const podOf = (name: string, workload: string, ip: string) =>
  podInfo({
    metadata: {
      name,
      namespace: "shop",
      labels: { app: workload, "pod-template-hash": "abc" },
      ownerReferences: [{ kind: "ReplicaSet", name: `${workload}-abc`, controller: true }],
    },
    spec: { containers: [{ name: "app" }], initContainers: [{ name: "istio-proxy" }] },
    status: { phase: "Running", podIP: ip },
  });
const inventory: Inventory = {
  pods: () => [podOf("front-abc-1", "front", "10.0.0.1"), podOf("cart-abc-1", "cart", "10.0.0.2")],
  services: () => [{ namespace: "shop", name: "cart", selector: { app: "cart" } }],
};

const BETWEEN =
  'source_workload="front",source_workload_namespace="shop",source_principal="spiffe://cluster.local/ns/shop/sa/front",destination_workload="cart",destination_workload_namespace="shop",destination_principal="spiffe://cluster.local/ns/shop/sa/cart",destination_service_name="cart",destination_service_namespace="shop"';
const labels = (reporter: string, more: string) =>
  `${BETWEEN},reporter="${reporter}",connection_security_policy="${reporter === "source" ? "unknown" : "mutual_tls"}",${more}`;
const HTTP = 'request_protocol="http",response_flags="-"';

/** What a pod's proxy exports at a scrape: steady requests; failures that begin midway; one restart; TCP; an idle while. */
function exported(pod: string, scrape: number): string {
  const reporter = pod === "cart-abc-1" ? "destination" : "source";
  const since = pod === "cart-abc-1" && scrape >= 40 ? scrape - 40 : scrape;
  const good = since * 37 + 5;
  const lines = [`istio_requests_total{${labels(reporter, `${HTTP},response_code="200"`)}} ${good}`];
  for (const [bound, share] of [
    ["5", 0.4],
    ["10", 0.75],
    ["50", 0.97],
    ["+Inf", 1],
  ] as const)
    lines.push(
      `istio_request_duration_milliseconds_bucket{${labels(reporter, `${HTTP},response_code="200",le="${bound}"`)}} ${Math.floor(good * share)}`,
    );
  if (scrape >= 20)
    lines.push(`istio_requests_total{${labels(reporter, `${HTTP},response_code="503"`)}} ${Math.max(1, since - 20)}`);
  const tcp = labels(reporter, 'request_protocol="tcp",response_flags="-"');
  lines.push(`istio_tcp_connections_opened_total{${tcp}} ${scrape + 3}`);
  lines.push(`istio_tcp_connections_closed_total{${tcp}} ${scrape}`);
  lines.push(`istio_tcp_received_bytes_total{${tcp}} ${since * 1000}`);
  lines.push(`istio_tcp_sent_bytes_total{${tcp}} ${since * 4000}`);
  return `${lines.join("\n")}\n`;
}

const QUERIES = [
  "/api/stat?kind=deployment&windowMs=60000",
  "/api/stat?kind=deployment&windowMs=300000",
  "/api/stat?kind=pod&namespace=shop&windowMs=120000",
  "/api/stat?kind=namespace&windowMs=60000",
  "/api/stat?kind=service&namespace=shop&windowMs=60000",
  "/api/stat?kind=deployment&windowMs=60000&to=deployment/cart&toNamespace=shop",
  "/api/stat?kind=deployment&windowMs=60000&from=deployment/front&fromNamespace=shop",
  "/api/edges?kind=deployment&windowMs=60000",
  "/api/edges?kind=pod&namespace=shop&windowMs=300000",
  "/api/graph?windowMs=60000",
  "/api/overview?windowMs=60000",
  `/api/overview?windowMs=60000&at=${END_MS - 120_000}`,
  "/api/workload?namespace=shop&name=cart&windowMs=60000",
  "/api/problems?windowMs=60000",
];

describe.skipIf(!prometheus || !promtool)("own store and a real Prometheus with the same scrapes", () => {
  let folder: string;
  let server: ReturnType<typeof Bun.spawn> | undefined;
  let url = "";
  const store = createMetricStore();
  const own = createApi({
    store,
    inventory,
    nowMs: () => END_MS,
    ready: () => true,
    scrapeGaps: () => [],
    mesh: async () => ({ timeMs: END_MS, replicas: [], proxies: [], gaps: [] }),
    page: () => undefined,
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "heddle-prometheus-store-"));
    const byFamily = new Map<string, string[]>();
    for (let scrape = 0; scrape < SCRAPES; scrape++) {
      const timeMs = END_MS - (SCRAPES - 1 - scrape) * INTERVAL_MS;
      for (const pod of ["front-abc-1", "cart-abc-1"]) {
        const text = exported(pod, scrape);
        store.ingest({ namespace: "shop", pod }, timeMs, parseExposition(text).samples);
        for (const line of text.trimEnd().split("\n")) {
          const name = line.slice(0, line.indexOf("{"));
          const dated = `${line.replace("{", `{namespace="shop",pod="${pod}",`)} ${timeMs / 1000}`;
          byFamily.set(name, [...(byFamily.get(name) ?? []), dated]);
        }
      }
    }
    const file = join(folder, "scrapes.txt");
    const typed = [...byFamily].map(([name, lines]) => `# TYPE ${name} unknown\n${lines.join("\n")}\n`);
    await writeFile(file, `${typed.join("")}# EOF\n`);
    const data = join(folder, "data");
    const made = Bun.spawnSync([promtool ?? "", "tsdb", "create-blocks-from", "openmetrics", file, data]);
    if (made.exitCode !== 0) throw new Error(`promtool: ${made.stderr.toString()}`);
    await writeFile(join(folder, "prometheus.yml"), "scrape_configs: []\n");
    const port = freePort();
    url = `http://127.0.0.1:${port}`;
    server = Bun.spawn(
      [
        prometheus ?? "",
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    const end = performance.now() + 30_000;
    for (;;) {
      const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
      if (ready?.ok) break;
      if (performance.now() > end) throw new Error("Prometheus was not ready within 30 s");
      await Bun.sleep(100);
    }
  }, 60_000);

  afterAll(async () => {
    server?.kill("SIGTERM");
    await server?.exited;
    if (folder) await rm(folder, { recursive: true, force: true });
  }, 30_000);

  const ask = async (api: (request: Request) => Promise<Response>, path: string): Promise<unknown> =>
    (await api(new Request(`http://viz${path}`))).json();

  for (const path of QUERIES)
    test(path.replace(/at=\d+/, "at=…"), async () => {
      const theirs = await ask(
        createPrometheusApi(url, inventory, () => END_MS),
        path,
      );
      const ours = await ask(own, path);
      expect(withoutAge(theirs)).toEqual(withoutAge(ours));
      if (path.startsWith("/api/stat")) expect(JSON.stringify(ours)).toMatch(/"requests":[1-9]/);
    });

  test("an hour, in steps: within 2 %", async () => {
    const path = "/api/stat?kind=deployment&windowMs=3600000";
    const rows = async (api: typeof own) => {
      const answer = await ask(api, path);
      return typeof answer === "object" && answer !== null && "rows" in answer && Array.isArray(answer.rows)
        ? answer.rows.find((row) => row.name === "cart")
        : undefined;
    };
    const ours = await rows(own);
    const theirs = await rows(createPrometheusApi(url, inventory, () => END_MS));
    expect(ours.requests).toBeGreaterThan(1000);
    expect(Math.abs(theirs.requests / ours.requests - 1)).toBeLessThanOrEqual(0.02);
    expect(Math.abs(theirs.latencyMsP95 / ours.latencyMsP95 - 1)).toBeLessThanOrEqual(0.02);
  });

  test("a Prometheus that is away is named, with the next step", async () => {
    const api = createPrometheusApi("http://127.0.0.1:1/prom?x", inventory, () => END_MS);
    const answer = await api(new Request("http://viz/api/stat"));
    expect(answer.status).toBe(502);
    expect(await answer.text()).toMatch(/Prometheus at .* can't be asked .*--prometheus-url/);
  });
});

/** Each store knows how far back it reaches by itself. */
function withoutAge(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  return { ...answer, sinceMs: undefined };
}
