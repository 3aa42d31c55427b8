import type { KubeClient } from "@heddle/kube-client";
import type { EdgesAnswer, StatAnswer, StatKind, StatRow } from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { askViz } from "../viz/client.ts";
import { edgesJson, edgesTable } from "../viz/edges-table.ts";
import { nothingBetween, nothingFound } from "../viz/nothing-found.ts";
import { policyJson, policyStat, policyTable, policyWords } from "../viz/policy-stat.ts";
import { parseResource, parseStatTarget, parseWindow } from "../viz/resource.ts";
import { parseSelector } from "../viz/selector.ts";
import { statJson, statTable } from "../viz/stat-table.ts";
import { addAuthz } from "./viz-authz.ts";
import { addDashboard } from "./viz-dashboard.ts";
import { addVizInstall } from "./viz-install.ts";
import { addList } from "./viz-list.ts";
import { addProfile } from "./viz-profile.ts";
import { addRoutes } from "./viz-routes.ts";
import { addSides } from "./viz-stat-sides.ts";
import { addTap, addTop } from "./viz-tap.ts";

interface QueryFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly timeWindow: string;
  readonly output: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly from?: string;
  readonly fromNamespace?: string;
  readonly selector?: string;
  readonly unmeshed?: boolean;
  readonly prometheusUrl?: string;
}

/** What `stat all` shows, in Linkerd's order; empty kinds are left out. */
const ALL_KINDS = ["daemonset", "statefulset", "job", "deployment", "cronjob", "pod", "service"] as const;

export function addViz(program: Command, context: CliContext): void {
  const viz = program.command("viz").description("golden metrics and who calls whom");
  addVizInstall(viz, context);
  addStat(viz, context);
  addEdges(viz, context);
  addTap(viz, context);
  addTop(viz, context);
  addList(viz, context);
  addSides(viz, context);
  addRoutes(viz, context);
  addAuthz(viz, context);
  addProfile(viz, context);
  addDashboard(viz, context);
}

function queryFlags(command: Command): Command {
  return command
    .option("-n, --namespace <namespace>", "namespace to look at (default: the kubeconfig's)")
    .option("-A, --all-namespaces", "all namespaces")
    .option("-t, --time-window <time>", "how far to look back, at least 15s", "1m")
    .option("-o, --output <format>", "table, wide or json", "table")
    .option("--prometheus-url <url>", "ask this Prometheus from here, without viz in the cluster");
}

function addStat(viz: Command, context: CliContext): void {
  queryFlags(viz.command("stat <resource...>"))
    .description(
      "success rate, requests per second and latencies of deploy, po, ns, svc, sts, ds, rs, rc, job, cj, authority, authorizationpolicy, all; or one: deploy/web",
    )
    .option("--to <resource>", "only what the resource sends there")
    .option("--to-namespace <namespace>")
    .option("--from <resource>", "only what that resource sends here")
    .option("--from-namespace <namespace>")
    .option("-l, --selector <selector>", "only pods with these labels, as app=web,version=v1")
    .option("--unmeshed", "resources without a proxy too")
    .action(async (words: string[], flags: QueryFlags, command: Command) => {
      const wide = isWide(flags.output);
      const kube = await context.kube(globalOptions(command));
      const policy = policyWords(words);
      if (policy !== undefined) return showPolicies(context, kube, policy, flags, globalOptions(command));
      const all = words.length === 1 && words[0] === "all";
      const wanted = all ? ALL_KINDS.map((kind) => ({ kind })) : [parseStatTarget(words)];
      const other = (text: string | undefined) => {
        if (text === undefined) return undefined;
        const r = parseResource([text]);
        return r.name ? `${r.kind}/${r.name}` : r.kind;
      };
      if (flags.selector !== undefined) parseSelector(flags.selector);
      for (const [side, alone] of [
        ["to", flags.to === undefined && flags.toNamespace !== undefined],
        ["from", flags.from === undefined && flags.fromNamespace !== undefined],
      ] as const)
        if (alone) throw new UsageError(`--${side}-namespace is the namespace of --${side}, which is missing`);
      const rows: StatRow<StatKind>[] = [];
      const gaps = new Set<string>();
      for (const resource of wanted) {
        const name = "name" in resource ? resource.name : undefined;
        const query = {
          kind: resource.kind,
          name,
          namespace: namespaceOf(flags, resource.kind, kube),
          windowMs: String(parseWindow(flags.timeWindow)),
          selector: flags.selector,
          to: other(flags.to),
          toNamespace: flags.toNamespace ?? flags.namespace ?? kube.namespace,
          from: other(flags.from),
          fromNamespace: flags.fromNamespace ?? flags.namespace ?? kube.namespace,
        };
        const answer = await askViz<StatAnswer<StatKind>>(kube, "/api/stat", query, flags.prometheusUrl);
        for (const gap of answer.gaps) gaps.add(gap);
        const shown = answer.rows.filter((r) => r.meshed > 0 || r.requests > 0 || flags.unmeshed || name !== undefined);
        rows.push(...shown.map((r) => (all ? { ...r, name: `${r.kind}/${r.name}` } : r)));
      }
      for (const gap of gaps) context.err(`‼ ${gap}\n`);
      if (rows.length === 0) {
        const [one] = wanted;
        const asked = wanted.length === 1 && one !== undefined ? one : { kind: "pod" };
        return context.err(nothingFound("resources", { ...asked, namespace: namespaceOf(flags, asked.kind, kube) }));
      }
      const silent = rows.every(({ requests }) => requests === 0);
      const { to, from } = { to: other(flags.to), from: other(flags.from) };
      const home = flags.namespace ?? kube.namespace;
      if (silent && to !== undefined) context.err(nothingBetween("to", to, flags.toNamespace ?? home));
      if (silent && from !== undefined) context.err(nothingBetween("from", from, flags.fromNamespace ?? home));
      if (flags.output === "json") return context.out(statJson(rows));
      context.out(statTable(rows, { allNamespaces: flags.allNamespaces === true, wide }));
    });
}

async function showPolicies(
  context: CliContext,
  kube: KubeClient,
  asked: { readonly name?: string },
  flags: QueryFlags,
  global: GlobalOptions,
): Promise<void> {
  const { rows, gaps } = await policyStat(kube, {
    ...asked,
    namespace: namespaceOf(flags, "", kube),
    windowMs: parseWindow(flags.timeWindow),
    meshNamespace: await findMeshNamespace(kube, global),
    ...(flags.prometheusUrl === undefined ? {} : { prometheusUrl: flags.prometheusUrl }),
  });
  for (const gap of gaps) context.err(`‼ ${gap}\n`);
  if (rows.length === 0)
    return context.err(
      nothingFound("resources", { ...asked, kind: "authorizationpolicy", namespace: namespaceOf(flags, "", kube) }),
    );
  context.out(flags.output === "json" ? policyJson(rows) : policyTable(rows, flags.allNamespaces === true));
}

function addEdges(viz: Command, context: CliContext): void {
  queryFlags(viz.command("edges <kind>"))
    .description("who calls whom, with which identity, and whether it is secured")
    .action(async (word: string, flags: QueryFlags, command: Command) => {
      const kube = await context.kube(globalOptions(command));
      const wide = isWide(flags.output);
      const asked = { kind: parseResource([word]).kind, namespace: namespaceOf(flags, "", kube) };
      const query = {
        ...asked,
        windowMs: String(parseWindow(flags.timeWindow)),
      };
      const answer = await askViz<EdgesAnswer>(kube, "/api/edges", query, flags.prometheusUrl);
      for (const gap of answer.gaps) context.err(`‼ ${gap}\n`);
      if (answer.rows.length === 0) return context.err(nothingFound("edges", asked));
      context.out(flags.output === "json" ? edgesJson(answer.rows) : edgesTable(answer.rows, wide));
    });
}

/** Undefined: all. */
function namespaceOf(flags: QueryFlags, kind: string, kube: KubeClient): string | undefined {
  return flags.allNamespaces || kind === "namespace" ? undefined : (flags.namespace ?? kube.namespace);
}

function isWide(format: string): boolean {
  if (format !== "table" && format !== "wide" && format !== "json")
    throw new UsageError(`-o ${format}: expected table, wide or json`);
  return format === "wide";
}
