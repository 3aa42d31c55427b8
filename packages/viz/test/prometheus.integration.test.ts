import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKubeClient, type KubeClient } from "@heddle/kube-client";
import { freePort } from "@heddle/std/free-ports";
import { parseAllDocuments } from "yaml";
import type { StatAnswer } from "../src/contract.ts";

const root = join(import.meta.dir, "../../..");
const NAME = "test-prometheus";
/** Units: ms. viz scrapes every 2 s, after a round that takes its time; Prometheus every second. */
const STILL_MS = 6000;
const WORKLOADS = ["web", "emoji", "voting"];
const program = Bun.which("prometheus");
if (!program) console.log("skipped: no prometheus on this machine; Debian has it: apt-get install prometheus");

type Process = ReturnType<typeof Bun.spawn>;

async function until<T>(what: string, ms: number, probe: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    let last = "";
    const found = await probe().catch((error: unknown) => {
      last = String(error);
      return undefined;
    });
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms ${last}`);
    await Bun.sleep(300);
  }
}

describe.skipIf(!program)("a real Prometheus beside viz", () => {
  const started: Process[] = [];
  let folder: string;
  let kube: KubeClient;
  let url: string;

  const stat = async (windowMs: number) => {
    const target = { kind: "services", namespace: "linkerd-viz", name: "metrics-api", port: 8085 } as const;
    const path = `/api/stat?kind=deployment&namespace=emojivoto&windowMs=${windowMs}`;
    const answer: StatAnswer = JSON.parse(await (await kube.proxyRequest(target, "GET", path)).text());
    return new Map(answer.rows.map((row) => [row.name, row]));
  };
  const query = async (promql: string) => {
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`);
    const body: { data: { result: { metric: Record<string, string>; value: [number, string] }[] } } = JSON.parse(
      await response.text(),
    );
    return new Map(body.data.result.map((r) => [r.metric["destination_workload"] ?? "", Number(r.value[1])]));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "heddle-prometheus-"));
    const demo = Bun.spawn([join(root, "bin/heddle"), "demo", "--name", NAME, "--request-rate", "10"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    started.push(demo);
    let printed = "";
    void (async () => {
      for await (const piece of demo.stderr) printed += new TextDecoder().decode(piece);
    })();
    await until("the demo's pods", 120_000, async () => (/All pods ready after/.test(printed) ? true : undefined));
    const list = Bun.spawnSync([join(root, "bin/heddle"), "local", "list"]).stdout.toString();
    const kubeconfig = new RegExp(`^${NAME}\\s.*?(/\\S+kubeconfig)`, "m").exec(list)?.[1] ?? "";
    kube = await createKubeClient({ kubeconfig, env: process.env });
    const port = freePort();
    url = `http://127.0.0.1:${port}`;
    const pods = await kube.list({ apiVersion: "v1", kind: "Pod", namespace: "emojivoto" });
    const plane = await kube.list(
      { apiVersion: "v1", kind: "Pod", namespace: "istio-system" },
      { labelSelector: "app=istiod" },
    );
    const scraped: readonly Scraped[] = [
      ...pods.items.map(({ metadata: { name } }) => ({ namespace: "emojivoto", name, ...PROXY })),
      ...plane.items.map(({ metadata: { name } }) => ({ namespace: "istio-system", name, ...CONTROL_PLANE })),
    ];
    await writeFile(join(folder, "prometheus.yml"), await scrapeConfig(kubeconfig, folder, scraped));
    started.push(
      Bun.spawn(
        [
          program ?? "",
          `--config.file=${folder}/prometheus.yml`,
          `--storage.tsdb.path=${folder}/data`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      ),
    );
  }, 150_000);

  afterAll(async () => {
    for (const child of started.reverse()) {
      child.kill("SIGINT");
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await child.exited;
      clearTimeout(late);
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const bots = (replicas: number) =>
    kube.patch(
      { apiVersion: "apps/v1", kind: "Deployment", namespace: "emojivoto", name: "vote-bot" },
      { spec: { replicas } },
    );
  /** With the load off the counters stand still, and both must come to the same figures exactly. */
  const still = () =>
    until("the same counts twice", 40_000, async () => {
      const counted = 'sum by (destination_workload) (istio_requests_total{reporter="destination"})';
      const [before, theirs] = [await stat(3_600_000), await query(counted)];
      // Longer than two scrapes of either.
      await Bun.sleep(STILL_MS);
      const [after, later] = [await stat(3_600_000), await query(counted)];
      const same = (name: string) =>
        (before.get(name)?.requests ?? 0) === (after.get(name)?.requests ?? -1) && theirs.get(name) === later.get(name);
      return WORKLOADS.every(same) ? true : undefined;
    });

  test("both count the same requests, failures and latencies", async () => {
    // Both began after the first requests, each at its own moment: what counts is the growth between two quiet moments.
    await bots(0);
    await still();
    const since = performance.now();
    const windowMs = () => Math.round(performance.now() - since);
    await bots(1);
    await until("two hundred requests", 60_000, async () =>
      ((await stat(windowMs())).get("web")?.requests ?? 0) >= 200 ? true : undefined,
    );
    await bots(0);
    await still();
    const ours = await stat(windowMs());
    const seconds = Math.round(windowMs() / 1000);
    const grown = (selector: string) => `((${selector} - ${selector} offset ${seconds}s) or ${selector})`;
    const requests = 'istio_requests_total{reporter="destination"}';
    const theirs = await query(`sum by (destination_workload) (${grown(requests)})`);
    const failed = await query(
      `sum by (destination_workload) (${grown('istio_requests_total{reporter="destination",response_code=~"5..|0"}')} or ${grown('istio_requests_total{reporter="destination",request_protocol="grpc",grpc_response_status!~"0|"}')})`,
    );
    const buckets = grown('istio_request_duration_milliseconds_bucket{reporter="destination"}');
    const p95 = await query(`histogram_quantile(0.95, sum by (le, destination_workload) (${buckets}))`);
    for (const name of WORKLOADS) {
      const row = ours.get(name);
      console.log(
        `${name}: viz ${row?.requests} requests, ${row?.failures} failed, p95 ${row?.latencyMsP95}; Prometheus ${theirs.get(name)}, ${failed.get(name) ?? 0}, ${p95.get(name)}`,
      );
      expect(row?.requests).toBeGreaterThan(50);
      expect(Math.abs((row?.requests ?? 0) / (theirs.get(name) ?? 0) - 1)).toBeLessThanOrEqual(0.02);
      expect(Math.abs((row?.failures ?? 0) - (failed.get(name) ?? 0))).toBeLessThanOrEqual((row?.requests ?? 0) * 0.02);
      expect(Math.abs((row?.latencyMsP95 ?? 0) / (p95.get(name) ?? 0) - 1)).toBeLessThanOrEqual(0.02);
    }
  }, 120_000);

  test("every query of our Grafana dashboards has data", async () => {
    // Routes are counted by callers; of these only web lives as long as Prometheus' list of pods.
    const route = (name: string, prefix: string) => ({
      name,
      match: [{ uri: { prefix } }],
      route: [{ destination: { host: "voting-svc" } }],
    });
    await kube.create({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "voting", namespace: "emojivoto" },
      spec: {
        hosts: ["voting-svc"],
        http: [route("doughnut", "/emojivoto.v1.VotingService/VoteDoughnut"), route("other", "/")],
      },
    });
    await bots(1);
    const folderOfDashboards = join(root, "dashboards/grafana");
    const files = (await readdir(folderOfDashboards)).filter((name) => name.endsWith(".json"));
    expect(files.length).toBe(6);
    const queries = (await Promise.all(files.map((name) => queriesOf(join(folderOfDashboards, name))))).flat();
    const missing = async () => {
      const answers = await Promise.all(queries.map(async (expr) => ({ expr, found: (await query(expr)).size })));
      return answers.filter(({ expr, found }) => found === 0 && !WITHOUT_DATA.test(expr)).map(({ expr }) => expr);
    };
    let last: readonly string[] = [];
    await until("data for every query", 60_000, async () => {
      last = await missing();
      return last.length === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: without data: ${last.join("\n")}`);
    });
    console.log(`${queries.length} queries in ${files.length} dashboards`);
  }, 90_000);
});

interface Scraped {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly app: string;
}
const PROXY = { port: 15_020, path: "/stats/prometheus", app: "emojivoto" };
const CONTROL_PLANE = { port: 15_014, path: "/metrics", app: "istiod" };

/** What emojivoto has none of: its connections all carry HTTP. */
const WITHOUT_DATA = /istio_tcp_/;

/** Panels' queries of a dashboard file, with what a user would choose in it. */
async function queriesOf(file: string): Promise<readonly string[]> {
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(await readFile(file, "utf8"));
  const chosen: Readonly<Record<string, string>> = {
    $namespace: "emojivoto",
    $workload: "web",
    $service: "web-svc",
    $dst: "voting-svc.emojivoto.svc.cluster.local:8080",
    $__rate_interval: "30s",
  };
  return dashboard.panels
    .flatMap((panel) => panel.targets.map((target) => target.expr))
    .map((expr) => expr.replace(/\$\w+/g, (name) => chosen[name] ?? name));
}

/** Scrapes every pod through the API server; Debian builds its Prometheus without discovery of Kubernetes, so the pods are listed. */
async function scrapeConfig(kubeconfig: string, folder: string, pods: readonly Scraped[]): Promise<string> {
  const [document] = parseAllDocuments(await readFile(kubeconfig, "utf8"));
  const config: {
    clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
    users: { user: { token?: string; "client-certificate-data"?: string; "client-key-data"?: string } }[];
  } = document?.toJS();
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (!cluster || !user) throw new Error(`no cluster or user in ${kubeconfig}`);
  const file = async (name: string, base64: string) => {
    await writeFile(join(folder, name), Buffer.from(base64, "base64"));
    return join(folder, name);
  };
  const ca = await file("ca.pem", cluster["certificate-authority-data"]);
  const credentials = user.token
    ? [`authorization: { type: Bearer, credentials: ${JSON.stringify(user.token)} }`, `tls_config: { ca_file: ${ca} }`]
    : [
        `tls_config: { ca_file: ${ca}, cert_file: ${await file("cert.pem", user["client-certificate-data"] ?? "")}, key_file: ${await file("key.pem", user["client-key-data"] ?? "")} }`,
      ];
  const { host } = new URL(cluster.server);
  const targets = pods
    .map(({ namespace, name, port, path: page, app }) => {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${page}`;
      return `      - { targets: ["${host}"], labels: { namespace: "${namespace}", pod: "${name}", app: "${app}", __metrics_path__: "${path}" } }`;
    })
    .join("\n");
  return `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: mesh
    scheme: https
    ${credentials.join("\n    ")}
    static_configs:
${targets}
`;
}
