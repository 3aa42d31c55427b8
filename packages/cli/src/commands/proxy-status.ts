import type { KubeClient } from "@heddle/kube-client";
import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { at, type JsonRecord, listOf, recordOf, textOf } from "../json-view.ts";
import { renderTable } from "../output.ts";

const HEADER = ["NAME", "CLUSTER", "CDS", "LDS", "EDS", "RDS", "ISTIOD", "VERSION"] as const;
const TYPES = ["cluster", "listener", "endpoint", "route"] as const;

interface Flags {
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
async function syncz(kube: KubeClient, namespace: string): Promise<{ istiod: string; status: JsonRecord }[]> {
  const pods = await kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector: "app=istiod" });
  const running = pods.items.filter((p) => textOf(at(p, "status", "phase")) === "Running");
  if (running.length === 0)
    throw new UsageError(
      `no control plane runs in namespace ${namespace}; install it with heddle install | kubectl apply -f -`,
    );
  const all = await Promise.all(
    running.map(async (pod) => {
      const response = await kube.proxyRequest(
        { kind: "pods", namespace, name: pod.metadata.name, port: 15014 },
        "GET",
        "/debug/syncz",
      );
      return listOf(await response.json()).map((s) => ({ istiod: pod.metadata.name, status: recordOf(s) }));
    }),
  );
  return all.flat();
}

export function addProxyStatus(program: Command, context: CliContext): void {
  program
    .command("proxy-status [proxy]")
    .alias("ps")
    .description("which proxies are connected and whether each has its newest configuration")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .action(async (proxy: string | undefined, flags: Flags, command: Command) => {
      const global = globalOptions(command);
      const all = await syncz(await context.kube(global), global.meshNamespace);
      const wanted = all.filter(({ status }) => proxy === undefined || textOf(status["proxy"]).startsWith(proxy));
      if (proxy !== undefined && wanted.length === 0) {
        throw new UsageError(`no proxy named ${proxy} is connected; names are pod.namespace, see heddle proxy-status`);
      }
      if (flags.output === "json")
        return context.out(
          `${JSON.stringify(
            wanted.map((w) => w.status),
            null,
            2,
          )}\n`,
        );
      if (flags.output === "yaml") return context.out(stringify(wanted.map((w) => w.status)));
      if (flags.output !== "table") throw new UsageError(`-o ${flags.output}: expected table, json or yaml`);
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
      for (const { status } of wanted) printErrors(context, status);
    });
}

/** A refused configuration is told with the proxy's own words. */
function printErrors(context: CliContext, status: JsonRecord): void {
  for (const type of TYPES) {
    const reason = textOf(status[`${type}_error`]);
    if (reason) context.err(`${textOf(status["proxy"])} refused ${type} configuration: ${reason}\n`);
  }
}
