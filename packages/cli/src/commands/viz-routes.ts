import type { RoutesAnswer } from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { askViz } from "../viz/client.ts";
import { nothingFound } from "../viz/nothing-found.ts";
import { parseResource, parseWindow } from "../viz/resource.ts";
import { routesJson, routesTable } from "../viz/routes-table.ts";

interface Flags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly timeWindow: string;
  readonly output: string;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly prometheusUrl?: string;
}

/** `viz routes`: routes that the configuration names, each with its figures. */
export function addRoutes(viz: Command, context: CliContext): void {
  viz
    .command("routes <resource...>")
    .description("figures by named route of the Services of a resource; with --to, of what it sent there")
    .option("-n, --namespace <namespace>", "namespace to look at (default: the kubeconfig's)")
    .option("-A, --all-namespaces", "all namespaces")
    .option("-t, --time-window <time>", "how far to look back, at least 15s", "1m")
    .option("-o, --output <format>", "table, wide or json", "table")
    .option("--to <resource>", "only what the resource sends there")
    .option("--to-namespace <namespace>", "namespace of --to (default: that of the resource)")
    .option("--prometheus-url <url>", "ask this Prometheus from here, without viz in the cluster")
    .action(async (words: string[], flags: Flags, command: Command) => {
      if (!["table", "wide", "json"].includes(flags.output))
        throw new UsageError(`-o ${flags.output}: expected table, wide or json`);
      const kube = await context.kube(globalOptions(command));
      const { kind, name } = parseResource(words);
      const namespace = flags.allNamespaces || kind === "namespace" ? undefined : (flags.namespace ?? kube.namespace);
      const to = flags.to === undefined ? undefined : parseResource([flags.to]);
      const toNamespace = flags.toNamespace ?? namespace;
      if (to && toNamespace === undefined) throw new UsageError("--to with -A needs --to-namespace");
      const query = {
        kind,
        name,
        namespace,
        windowMs: String(parseWindow(flags.timeWindow)),
        to: to && (to.name ? `${to.kind}/${to.name}` : to.kind),
        toNamespace: to && toNamespace,
      };
      const answer = await askViz<RoutesAnswer>(kube, "/api/routes", query, flags.prometheusUrl);
      for (const gap of answer.gaps) context.err(`‼ ${gap}\n`);
      if (answer.rows.length === 0) return context.err(nothingFound("traffic", { kind, name, namespace }));
      const resource = name === undefined ? kind : `${kind}/${name}`;
      context.out(
        flags.output === "json" ? routesJson(answer.rows, resource) : routesTable(answer.rows, flags.output === "wide"),
      );
    });
}
