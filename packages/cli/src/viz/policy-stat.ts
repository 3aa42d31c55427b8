import type { KubeClient } from "@heddle/kube-client";
import { readInventory, type StatAnswer, type StatRow } from "@heddle/viz";
import { UsageError } from "../context.ts";
import { renderTable } from "../output.ts";
import { policiesOf } from "./applied-policy.ts";
import { type AuthzFigures, figureCells, figureFields, figures } from "./authz-table.ts";
import { askViz } from "./client.ts";

const POLICY_WORDS = new Set(["authorizationpolicy", "authorizationpolicies", "authzpolicy", "ap"]);
/** Linkerd's kinds that this mesh has other ones for. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  server: "authorizationpolicy",
  srv: "authorizationpolicy",
  serverauthorization: "authorizationpolicy",
  saz: "authorizationpolicy",
  httproute: "viz routes",
  route: "viz routes",
  grpcroute: "viz routes",
  trafficsplit: "viz routes",
  ts: "viz routes",
};

/** The policy that `viz stat` is asked for. Undefined: another kind. Errors: UsageError for kinds of Linkerd's that have no figures here. */
export function policyWords(words: readonly string[]): { readonly name?: string } | undefined {
  const [first = "", second] = words;
  const [word = "", slashName] = first.toLowerCase().split("/", 2);
  const instead = OTHER_WORDS[word] ?? OTHER_WORDS[word.replace(/s$/, "")];
  if (instead !== undefined) throw new UsageError(`${first}: this mesh keeps no figures of that kind; see ${instead}`);
  if (!POLICY_WORDS.has(word)) return undefined;
  const name = slashName ?? second;
  return name === undefined ? {} : { name };
}

export interface PolicyQuery {
  readonly name?: string;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly windowMs: number;
  readonly meshNamespace: string;
  readonly prometheusUrl?: string;
}

export interface PolicyRow {
  readonly namespace: string;
  readonly name: string;
  readonly figures: AuthzFigures;
}

/** What the pods that a policy guards were asked and refused; a pod under two policies counts for both. */
export async function policyStat(
  kube: KubeClient,
  query: PolicyQuery,
): Promise<{ readonly rows: readonly PolicyRow[]; readonly gaps: readonly string[] }> {
  const policies = await policiesOf(kube, query.meshNamespace);
  const asked = policies
    .filter(({ ref }) => query.namespace === undefined || ref.namespace === query.namespace)
    .filter(({ ref }) => query.name === undefined || ref.name === query.name);
  const pods = (await readInventory(kube)).pods();
  const answer = await askViz<StatAnswer>(
    kube,
    "/api/stat",
    { kind: "pod", windowMs: String(query.windowMs) },
    query.prometheusUrl,
  );
  const stats = new Map(answer.rows.map((row) => [`${row.namespace}/${row.name}`, row]));
  const rows = asked.map(({ ref, applies }) => ({
    ...ref,
    figures: figures({
      stats: pods.filter(applies).flatMap((pod): StatRow[] => {
        const row = stats.get(`${pod.namespace}/${pod.name}`);
        return row ? [row] : [];
      }),
    }),
  }));
  return { rows, gaps: answer.gaps };
}

/** Linkerd's columns for policies: no pods, but what was refused. */
export function policyTable(rows: readonly PolicyRow[], allNamespaces: boolean): string {
  const header = [
    ...(allNamespaces ? ["NAMESPACE"] : []),
    ...["NAME", "UNAUTHORIZED", "SUCCESS", "RPS", "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"],
  ];
  const lines = rows.map(({ namespace, name, figures: f }) => [
    ...(allNamespaces ? [namespace] : []),
    name,
    ...figureCells(f),
  ]);
  return renderTable(header, lines, header.slice(-6));
}

export function policyJson(rows: readonly PolicyRow[]): string {
  const out = rows.map(({ namespace, name, figures: f }) => ({
    namespace,
    kind: "authorizationpolicy",
    name,
    ...figureFields(f),
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}
