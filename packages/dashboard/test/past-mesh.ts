import { parseExposition } from "@heddle/std";
import { createApi, createMetricStore, type Inventory, podInfo } from "@heddle/viz";
import { loadDashboard } from "../src/index.ts";

// A program of its own, as kube-deeds.ts. Serves the dashboard before a metrics service whose store has five hours of history in it.

const HOUR_MS = 3_600_000;
const STEP_MS = 20_000;
const now = Date.now();
const began = now - 5 * HOUR_MS;

const pod = (name: string, hash: string) =>
  podInfo({
    metadata: {
      name: `${name}-${hash}-1`,
      namespace: "shop",
      labels: { "pod-template-hash": hash },
      ownerReferences: [{ kind: "ReplicaSet", name: `${name}-${hash}`, controller: true }],
    },
    spec: { containers: [{ name: "app" }, { name: "istio-proxy" }] },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });
// `orders` was rolled out anew two hours ago; `ledger` is gone since then.
const inventory: Inventory = {
  pods: () => [pod("cart", "a"), pod("orders", "new")],
  services: () => [],
};

const id = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`;
const line = (src: string, dst: string, status: number, value: number) =>
  `istio_requests_total{reporter="destination",source_workload="${src}",source_workload_namespace="shop",source_principal="${id(src)}",destination_workload="${dst}",destination_workload_namespace="shop",destination_principal="${id(dst)}",connection_security_policy="mutual_tls",request_protocol="http",response_code="${status}",response_flags="-"} ${value}\n`;

const store = createMetricStore();
const counts = { old: 0, oldFailed: 0, fresh: 0, ledger: 0 };
for (let at = began; at <= now; at += STEP_MS) {
  const ago = now - at;
  const ingest = (name: string, text: string) =>
    store.ingest({ namespace: "shop", pod: name }, at, parseExposition(text).samples);
  if (ago > 2 * HOUR_MS) {
    const failing = ago < 3.5 * HOUR_MS && ago > 2.5 * HOUR_MS;
    counts.old += failing ? 100 : 200;
    counts.oldFailed += failing ? 100 : 0;
    counts.ledger += 40;
    ingest("orders-old-1", line("cart", "orders", 200, counts.old) + line("cart", "orders", 503, counts.oldFailed));
    ingest("ledger-a-1", line("orders", "ledger", 200, counts.ledger));
  } else {
    counts.fresh += 200;
    ingest("orders-new-1", line("cart", "orders", 200, counts.fresh));
  }
  ingest("cart-a-1", "");
}

const dashboard = await loadDashboard();
const api = createApi({
  store,
  inventory,
  nowMs: () => Date.now(),
  ready: () => true,
  scrapeGaps: () => [],
  mesh: async () => ({ timeMs: Date.now(), replicas: [], proxies: [], gaps: [] }),
  page: dashboard.page,
});
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: api });
console.log(`http://127.0.0.1:${server.port}/`);
