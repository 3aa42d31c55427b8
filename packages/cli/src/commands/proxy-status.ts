import type { KubeClient } from "@heddle/kube-client";
import { type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";
import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { clusterTroubles, knownClusters } from "../multicluster/clusterz.ts";
import { renderTable } from "../output.ts";
import { findMeshedPod } from "../pods.ts";
import { compareDumps } from "../proxy-config/compare.ts";
import { fetchDump, readDump } from "../proxy-config/dump.ts";
import { runningControlPlane } from "../running-control-plane.ts";

const HEADER = ["NAME", "CLUSTER", "CDS", "LDS", "EDS", "RDS", "ISTIOD", "VERSION"] as const;
const TYPES = ["cluster", "listener", "endpoint", "route"] as const;

interface Flags {
  readonly namespace?: string;
  readonly output: string;
}

/** State of one type for one proxy, in istioctl's words. Source: istio pilot/pkg/xds/debug.go SyncStatus. */
function syncState(status: JsonRecord, type: (typeof TYPES)[number]): string {
  const rejected = textOf(status[`${type}_error`]);
  const sent = textOf(status[`${type}_sent`]);
  const acked = textOf(status[`${type}_acked`]);
  if (rejected) return "ERROR";
  if (sent === "") return "NOT SENT";
  return sent === acked ? "SYNCED" : "STALE";
}

/** Asks every running replica of the control plane: each knows only its own clients. */
async function syncz(
  kube: KubeClient,
  namespace: string,
): Promise<{ istiod: string; namespace: string; status: JsonRecord }[]> {
  const running = await runningControlPlane(kube, namespace);
  const all = await Promise.all(
    running.map(async (pod) => {
      const response = await kube.proxyRequest(
        { kind: "pods", namespace, name: pod.metadata.name, port: 15014 },
        "GET",
        "/debug/syncz",
      );
      return listOf(await response.json()).map((s) => ({ istiod: pod.metadata.name, namespace, status: recordOf(s) }));
    }),
  );
  return all.flat();
}

export function addProxyStatus(program: Command, context: CliContext): void {
  program
    .command("proxy-status [proxy]")
    .alias("ps")
    .description(
      "which proxies are connected and whether each has its newest configuration; one of them (name[.namespace], deploy/name): what differs",
    )
    .option("-n, --namespace <namespace>", "namespace of the proxy, or only proxies of this namespace")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .option("-v, --verbosity <level>", "accepted for istioctl's sake: the table is always whole")
    .action(async (proxy: string | undefined, flags: Flags, command: Command) => {
      const { output } = flags;
      if (!["table", "json", "yaml"].includes(output))
        throw new UsageError(`-o ${output}: expected table, json or yaml`);
      const global = globalOptions(command);
      const kube = await context.kube(global);
      const meshNamespace = await findMeshNamespace(kube, global);
      const all = await syncz(kube, meshNamespace);
      const one = proxy === undefined ? undefined : await findMeshedPod(kube, proxy, flags.namespace ?? kube.namespace);
      const wanted = all.filter(({ status }) => {
        const name = textOf(status["proxy"]);
        if (one) return name === `${one.pod}.${one.namespace}`;
        return flags.namespace === undefined || name.endsWith(`.${flags.namespace}`);
      });
      if (one && wanted.length === 0) {
        throw new UsageError(
          `${one.pod}.${one.namespace} has a sidecar, but it is not connected to the control plane; look at kubectl -n ${one.namespace} logs ${one.pod} -c istio-proxy`,
        );
      }
      const objects = wanted.map((w) => w.status);
      if (output === "json") return context.out(`${JSON.stringify(objects, null, 2)}\n`);
      if (output === "yaml") return context.out(stringify(objects));
      printTable(context, wanted);
      for (const { status } of wanted) printErrors(context, status);
      for (const sentence of clusterTroubles(await knownClusters(kube, meshNamespace))) context.err(`${sentence}\n`);
      if (one) context.out(await difference(kube, wanted, one));
    });
}

function printTable(context: CliContext, wanted: readonly { istiod: string; status: JsonRecord }[]): void {
  const rows = wanted.map(({ istiod, status }) => [
    textOf(status["proxy"]),
    textOf(status["cluster_id"]),
    ...TYPES.map((type) => syncState(status, type)),
    istiod,
    textOf(status["istio_version"]),
  ]);
  context.out(
    renderTable(
      HEADER,
      rows.sort((a, b) => (a[0] ?? "").localeCompare(b[0] ?? "")),
    ),
  );
}

/** `Clusters Match`, or which resources only one side has: the control plane's last word against what the proxy runs with. */
async function difference(
  kube: KubeClient,
  [connection]: readonly { istiod: string; namespace: string; status: JsonRecord }[],
  { pod, namespace }: { readonly pod: string; readonly namespace: string },
): Promise<string> {
  if (connection === undefined) return "";
  const response = await kube.proxyRequest(
    { kind: "pods", namespace: connection.namespace, name: connection.istiod, port: 15014 },
    "GET",
    `/debug/config_dump?proxyID=${encodeURIComponent(`${pod}.${namespace}`)}`,
  );
  const sent = readDump(await response.json());
  return compareDumps(sent, await fetchDump(kube, namespace, pod));
}

/** A refused configuration is told with the proxy's own words. */
function printErrors(context: CliContext, status: JsonRecord): void {
  for (const type of TYPES) {
    const reason = textOf(status[`${type}_error`]);
    if (reason) context.err(`${textOf(status["proxy"])} refused ${type} configuration: ${reason}\n`);
  }
}
