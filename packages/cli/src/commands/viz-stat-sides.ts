import {
  chosenPods,
  type EdgesAnswer,
  type RoutesAnswer,
  readInventory,
  resourcesOf,
  type StatAnswer,
} from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { askViz } from "../viz/client.ts";
import { type AskedFor, nothingFound } from "../viz/nothing-found.ts";
import { parseResource, parseWindow } from "../viz/resource.ts";
import {
  DEFAULT_ROUTE,
  type InboundRow,
  inboundJson,
  inboundTable,
  type OutboundRow,
  outboundJson,
  outboundTable,
  routeName,
} from "../viz/side-table.ts";

interface Flags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly timeWindow: string;
  readonly output: string;
}

function sideFlags(command: Command): Command {
  return command
    .option("-n, --namespace <namespace>", "namespace to look at (default: the kubeconfig's)")
    .option("-A, --all-namespaces", "all namespaces")
    .option("-t, --time-window <time>", "how far to look back, at least 15s", "1m")
    .option("-o, --output <format>", "table or json", "table");
}

/** `stat-inbound` and `stat-outbound`: by workload, Service and named route. */
export function addSides(viz: Command, context: CliContext): void {
  sideFlags(viz.command("stat-inbound <resource...>"))
    .description("what a resource's pods received, by the routes that a VirtualService or ServiceProfile names")
    .action(async (words: string[], flags: Flags, command: Command) => {
      const { kube, query } = await prepare(context, words, flags, command);
      const [{ rows: resources, gaps }, named, inventory] = await Promise.all([
        askViz<StatAnswer>(kube, "/api/stat", query),
        askViz<RoutesAnswer>(kube, "/api/routes", query),
        readInventory(kube),
      ]);
      const services = inventory.services();
      const rows: InboundRow[] = [];
      for (const resource of resources) {
        const { kind, name, namespace } = resource;
        const pods = chosenPods(inventory, { kind, name, namespace });
        const own = new Set(
          pods.flatMap((pod) => resourcesOf(pod, "service", services).map((service) => `${pod.namespace}/${service}`)),
        );
        const routes = named.rows.filter((row) =>
          kind === "service"
            ? row.namespace === namespace && row.service === name
            : own.has(`${row.namespace}/${row.service}`),
        );
        // Callers' proxies know the routes; what nobody named is told by the resource's own proxies.
        if (routes.every(({ route }) => route === DEFAULT_ROUTE))
          rows.push({ name, namespace, route: "[default]", figures: resource });
        else
          for (const received of routes) rows.push({ name, namespace, route: routeName(received), figures: received });
      }
      print(
        context,
        query,
        gaps,
        rows.length === 0 ? "" : flags.output === "json" ? inboundJson(rows) : inboundTable(rows),
      );
    });
  sideFlags(viz.command("stat-outbound <resource...>"))
    .description(
      "what a resource's pods sent, by Service and by the routes that a VirtualService or ServiceProfile names",
    )
    .action(async (words: string[], flags: Flags, command: Command) => {
      const { kube, query } = await prepare(context, words, flags, command);
      const { name: own, ...all } = query;
      const edges = await askViz<EdgesAnswer>(kube, "/api/edges", all);
      const wanted = edges.rows.filter((edge) => own === undefined || edge.src === own);
      // Each workload and each namespace that it sends to is a question of its own.
      const ways = new Map(wanted.map((e) => [`${e.srcNamespace}/${e.src}/${e.dstNamespace}`, e] as const));
      const rows: OutboundRow[] = [];
      const gaps = new Set(edges.gaps);
      const answers = await Promise.all(
        [...ways.values()].map(async ({ src, srcNamespace, dstNamespace }) => {
          const asked = { ...query, name: src, namespace: srcNamespace, to: "service", toNamespace: dstNamespace };
          return { src, srcNamespace, ...(await askViz<RoutesAnswer>(kube, "/api/routes", asked)) };
        }),
      );
      for (const { src, srcNamespace, ...answer } of answers) {
        for (const gap of answer.gaps) gaps.add(gap);
        rows.push(...answer.rows.map((sent) => ({ name: src, namespace: srcNamespace, sent })));
      }
      const text = flags.output === "json" ? outboundJson(rows) : outboundTable(rows);
      print(context, query, [...gaps], rows.length === 0 ? "" : text);
    });
}

async function prepare(context: CliContext, words: readonly string[], flags: Flags, command: Command) {
  if (!["table", "json"].includes(flags.output)) throw new UsageError(`-o ${flags.output}: expected table or json`);
  const kube = await context.kube(globalOptions(command));
  const { kind, name } = parseResource(words);
  const namespace = flags.allNamespaces || kind === "namespace" ? undefined : (flags.namespace ?? kube.namespace);
  return { kube, query: { kind, name, namespace, windowMs: String(parseWindow(flags.timeWindow)) } };
}

function print(context: CliContext, asked: AskedFor, gaps: readonly string[], text: string): void {
  for (const gap of gaps) context.err(`‼ ${gap}\n`);
  if (text === "") context.err(nothingFound("traffic", asked));
  else context.out(text);
}
