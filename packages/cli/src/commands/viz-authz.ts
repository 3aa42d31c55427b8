import type { PodInfo, StatAnswer, StatRow } from "@heddle/viz";
import { readInventory } from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { policiesOf } from "../viz/applied-policy.ts";
import { type AuthzRow, authzJson, authzTable } from "../viz/authz-table.ts";
import { askViz } from "../viz/client.ts";
import { podsOf } from "../viz/pods-of.ts";
import { parseResource, parseWindow } from "../viz/resource.ts";

interface Flags {
  readonly namespace?: string;
  readonly timeWindow: string;
  readonly output: string;
  readonly prometheusUrl?: string;
}

/** `viz authz`: which policies guard a resource, what they refused, and how the rest fared. */
export function addAuthz(viz: Command, context: CliContext): void {
  viz
    .command("authz <resource...>")
    .description("policies in force for a resource, with what they refused")
    .option("-n, --namespace <namespace>", "namespace to look at (default: the kubeconfig's)")
    .option("-t, --time-window <time>", "how far to look back, at least 15s", "1m")
    .option("-o, --output <format>", "table, wide or json", "table")
    .option("--prometheus-url <url>", "ask this Prometheus from here, without viz in the cluster")
    .action(async (words: string[], flags: Flags, command: Command) => {
      if (!["table", "wide", "json"].includes(flags.output))
        throw new UsageError(`-o ${flags.output}: expected table, wide or json`);
      const global = globalOptions(command);
      const kube = await context.kube(global);
      const { kind, name } = parseResource(words);
      const namespace = kind === "namespace" ? name : (flags.namespace ?? kube.namespace);
      const target = { kind, ...(name === undefined ? {} : { name }), ...(namespace ? { namespace } : {}) };
      const inventory = await readInventory(kube);
      const pods = podsOf(inventory, target);
      const policies = await policiesOf(kube, await findMeshNamespace(kube, global));
      const query = { kind: "pod", namespace, windowMs: String(parseWindow(flags.timeWindow)) };
      const answer = await askViz<StatAnswer>(kube, "/api/stat", query, flags.prometheusUrl);
      for (const gap of answer.gaps) context.err(`‼ ${gap}\n`);
      const stats = new Map(answer.rows.map((row) => [`${row.namespace}/${row.name}`, row]));
      const rows = byWorkload(pods).map(([workload, members]) => ({
        server: workload,
        authorizations: policies.filter((policy) => members.some((pod) => policy.applies(pod))).map((p) => p.name),
        stats: members.flatMap((pod): StatRow[] => {
          const row = stats.get(`${pod.namespace}/${pod.name}`);
          return row ? [row] : [];
        }),
      })) satisfies readonly AuthzRow[];
      context.out(flags.output === "json" ? authzJson(rows) : authzTable(rows));
    });
}

function byWorkload(pods: readonly PodInfo[]): readonly (readonly [string, readonly PodInfo[]])[] {
  const found = new Map<string, PodInfo[]>();
  for (const pod of pods) {
    const owner = pod.owners[0];
    const key = owner ? `${owner.kind}/${owner.name}` : `pod/${pod.name}`;
    found.set(key, [...(found.get(key) ?? []), pod]);
  }
  return [...found].sort(([a], [b]) => a.localeCompare(b));
}
