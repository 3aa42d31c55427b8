import { parseExposition } from "@heddle/std";
import { type ControlPlaneClient, kept } from "./control-plane-client.ts";
import type { MeshAnswer, ProxyRow, ReplicaRow } from "./dashboard-contract.ts";
import type { PodInfo } from "./inventory.ts";
import { quantile } from "./query/totals.ts";
import { certificateExpiries } from "./query/workload.ts";
import { bucketBound } from "./store/label-set.ts";
import type { MetricStore } from "./store/store.ts";

export interface MeshHealthDeps {
  readonly store: MetricStore;
  readonly client: ControlPlaneClient;
  nowMs(): number;
}

const TIMEOUT_MS = 2000;
/** Several open dashboards cost the control plane one question. Units: ms. */
const KEEP_MS = 2000;
const TYPES = ["cluster", "listener", "route", "endpoint"] as const;

/** Asks every replica of the control plane about its proxies and itself; a replica that doesn't answer is a row with its error. */
export function createMeshHealth(deps: MeshHealthDeps): () => Promise<MeshAnswer> {
  return kept(KEEP_MS, deps.nowMs, () => ask(deps));
}

async function ask(deps: MeshHealthDeps): Promise<MeshAnswer> {
  const replicas = deps.client.replicas();
  const expiries = certificateExpiries(deps.store);
  const answers = await Promise.all(replicas.map((pod) => askReplica(deps, pod, expiries)));
  const gaps =
    replicas.length === 0
      ? [
          "no control plane runs (no pod with the label app=istiod): traffic goes on with the configuration that proxies have",
        ]
      : [];
  const proxies = answers
    .flatMap((a) => a.proxies)
    .sort((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
  return { timeMs: deps.nowMs(), replicas: answers.map((a) => a.replica), proxies, gaps };
}

async function askReplica(
  deps: MeshHealthDeps,
  pod: PodInfo,
  expiries: ReadonlyMap<string, number>,
): Promise<{ readonly replica: ReplicaRow; readonly proxies: readonly ProxyRow[] }> {
  const { namespace, name } = pod;
  const get = (path: string) => deps.client.text(pod, path, TIMEOUT_MS);
  try {
    const [syncz, metrics] = await Promise.all([get("/debug/syncz"), get("/metrics")]);
    const parsed: unknown = JSON.parse(syncz);
    const proxies = Array.isArray(parsed) ? parsed.map((entry) => proxyRow(entry, expiries)) : [];
    return { replica: { namespace, name, ...replicaFigures(metrics), proxies: proxies.length, error: "" }, proxies };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { replica: { namespace, name, ...replicaFigures(""), proxies: 0, error: reason }, proxies: [] };
  }
}

function proxyRow(entry: unknown, expiries: ReadonlyMap<string, number>): ProxyRow {
  const fields = new Map(typeof entry === "object" && entry !== null ? Object.entries(entry) : []);
  const text = (key: string): string => {
    const value: unknown = fields.get(key);
    return typeof value === "string" ? value : "";
  };
  const proxy = text("proxy");
  const dot = proxy.lastIndexOf(".");
  const [name, namespace] = [proxy.slice(0, dot), proxy.slice(dot + 1)];
  const sync = Object.fromEntries(
    TYPES.map((type) => [type, syncOf(text(`${type}_sent`), text(`${type}_acked`), text(`${type}_error`))]),
  );
  const rejections = TYPES.filter((type) => text(`${type}_error`) !== "").map(
    (type) => `${type}: ${text(`${type}_error`)}`,
  );
  const certificateExpiresInMs = expiries.get(`${namespace}/${name}`) ?? null;
  return {
    namespace,
    name,
    kind: text("proxy_type"),
    version: text("istio_version"),
    sync,
    rejections,
    certificateExpiresInMs,
  };
}

function syncOf(sent: string, acked: string, error: string): ProxyRow["sync"][string] {
  if (error !== "") return "rejected";
  if (sent === "") return "not sent";
  return sent === acked ? "synced" : "stale";
}

function replicaFigures(text: string): Omit<ReplicaRow, "namespace" | "name" | "proxies" | "error"> {
  const { samples } = parseExposition(text);
  const sum = (name: string) => samples.filter((s) => s.name === name).reduce((total, s) => total + s.value, 0);
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samples) {
    if (name === "pilot_proxy_convergence_time_bucket") buckets.set(bucketBound(labels) * 1000, value);
  }
  const pushesByType: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    const type = labels.get("type");
    if (name === "pilot_xds_pushes" && type !== undefined) pushesByType[type] = (pushesByType[type] ?? 0) + value;
  }
  const root = sum("citadel_server_root_cert_expiry_timestamp");
  const issuer = sum("citadel_server_cert_chain_expiry_timestamp");
  return {
    version: samples.find((s) => s.name === "pilot_info")?.labels.get("version") ?? "",
    convergenceMsP50: quantile(buckets, 0.5),
    convergenceMsP99: quantile(buckets, 0.99),
    pushes: sum("pilot_xds_pushes"),
    pushesByType,
    rejects: sum("pilot_total_xds_rejects"),
    services: sum("pilot_services"),
    certificatesIssued: sum("citadel_server_success_cert_issuance_count"),
    issuerExpiresMs: issuer > 0 ? issuer * 1000 : null,
    rootExpiresMs: root > 0 ? root * 1000 : null,
  };
}
