import type { EdgesAnswer, StatAnswer } from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { askViz } from "../viz/client.ts";
import { parseResource, parseWindow } from "../viz/resource.ts";
import { type SideRow, sideJson, sideTable } from "../viz/side-table.ts";

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

/** `stat-inbound` and `stat-outbound`: the standard metrics by Service, which do not know routes; `viz routes` does. */
export function addSides(viz: Command, context: CliContext): void {
  sideFlags(viz.command("stat-inbound <resource...>"))
    .description("what a resource's pods received")
    .action(async (words: string[], flags: Flags, command: Command) => {
      const { ask, query } = await prepare(context, words, flags, command);
      const answer = await ask({ ...query });
      print(
        context,
        flags,
        "inbound",
        answer,
        answer.rows.map((row) => ({ row, service: "" })),
      );
    });
  sideFlags(viz.command("stat-outbound <resource...>"))
    .description("what a resource's pods sent, by Service")
    .action(async (words: string[], flags: Flags, command: Command) => {
      const { ask, askEdges, query, namespace } = await prepare(context, words, flags, command);
      const edges = await askEdges();
      const own = query["name"];
      const targets = new Map(
        edges.rows
          .filter((e) => own === undefined || e.src === own)
          .map((e) => [`${e.dstNamespace}/${e.dst}`, e] as const),
      );
      const rows: SideRow[] = [];
      let last: StatAnswer = { rows: [], gaps: edges.gaps };
      for (const { dst, dstNamespace } of targets.values()) {
        last = await ask({ ...query, to: `deployment/${dst}`, toNamespace: dstNamespace });
        for (const row of last.rows)
          if (row.requests > 0)
            rows.push({ row, service: dstNamespace === namespace ? dst : `${dst}.${dstNamespace}` });
      }
      print(context, flags, "outbound", last, rows);
    });
}

type Query = Readonly<Record<string, string | undefined>>;

async function prepare(context: CliContext, words: readonly string[], flags: Flags, command: Command) {
  if (!["table", "json"].includes(flags.output)) throw new UsageError(`-o ${flags.output}: expected table or json`);
  const kube = await context.kube(globalOptions(command));
  const { kind, name } = parseResource(words);
  const namespace = flags.allNamespaces || kind === "namespace" ? undefined : (flags.namespace ?? kube.namespace);
  const windowMs = String(parseWindow(flags.timeWindow));
  return {
    namespace,
    query: { kind, name, namespace, windowMs } satisfies Query,
    ask: (query: Query) => askViz<StatAnswer>(kube, "/api/stat", query),
    askEdges: () => askViz<EdgesAnswer>(kube, "/api/edges", { kind, namespace, windowMs }),
  };
}

function print(
  context: CliContext,
  flags: Flags,
  side: "inbound" | "outbound",
  answer: StatAnswer,
  rows: readonly SideRow[],
): void {
  for (const gap of answer.gaps) context.err(`‼ ${gap}\n`);
  if (rows.length === 0) context.err("No traffic found.\n");
  else context.out(flags.output === "json" ? sideJson(rows, side) : sideTable(rows, side));
}
