import { readFile } from "node:fs/promises";
import { at } from "@heddle/std";
import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { renderTable } from "../output.ts";
import { podGet } from "../pod-http.ts";
import { findMeshedPod } from "../pods.ts";
import { ADMIN_PORT, fetchDump, fetchEndpoints, readDump } from "../proxy-config/dump.ts";
import { ENDPOINT_HEADER, type EndpointFlags, endpointRows, filterEndpoints } from "../proxy-config/endpoints.ts";
import { loggingQueries } from "../proxy-config/log-levels.ts";
import { pemOf } from "../proxy-config/secrets.ts";
import { tableViews, type View, type ViewFlags, views } from "../proxy-config/view.ts";

interface Flags extends ViewFlags, EndpointFlags {
  readonly output: string;
  readonly namespace?: string;
  readonly file?: string;
  readonly level?: string;
  readonly reset?: boolean;
}

export function addProxyConfig(program: Command, context: CliContext): void {
  const group = program.command("proxy-config").alias("pc").description("what a sidecar is configured to do");
  for (const view of views) {
    view
      .addFlags(part(group, view.words, view.about))
      .option("-f, --file <dump>", "read a configuration dump instead of asking a pod")
      .action(async (target: string | undefined, flags: Flags, command: Command) => {
        const dump = await dumpOf(context, command, target, flags);
        printView(context, flags.output, view, flags, dump);
      });
  }
  addEndpoints(group, context);
  addAll(group, context);
  addLog(group, context);
  addRootCompare(group, context);
}

function part(group: Command, words: readonly [string, ...string[]], about: string): Command {
  return group
    .command(`${words[0]} [pod]`)
    .aliases(words.slice(1))
    .description(`${about}; pod is name[.namespace], pod/name or deploy/name`)
    .option("-n, --namespace <namespace>", "namespace of the pod")
    .option("-o, --output <format>", "short (the same as table), json or yaml", "short");
}

async function reach(context: CliContext, command: Command, target: string | undefined, flags: Flags) {
  if (target === undefined)
    throw new UsageError("which pod? Give name[.namespace], pod/name or deploy/name, or a dump with --file");
  formatOf(flags.output);
  const kube = await context.kube(globalOptions(command));
  return { kube, ...(await findMeshedPod(kube, target, flags.namespace ?? kube.namespace)) };
}

async function dumpOf(context: CliContext, command: Command, target: string | undefined, flags: Flags) {
  const { file } = flags;
  if (file === undefined) {
    const { kube, namespace, pod } = await reach(context, command, target, flags);
    return fetchDump(kube, namespace, pod);
  }
  try {
    return readDump(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new UsageError(
      `${file}: ${error instanceof Error ? error.message : error}; expected the JSON of a proxy's /config_dump`,
    );
  }
}

function addEndpoints(group: Command, context: CliContext): void {
  part(group, ["endpoints", "endpoint", "ep", "eds"], "where the clusters' traffic goes")
    .option("--address <address>", "only endpoints of this address")
    .option("--port <port>", "only endpoints of this port")
    .option("--cluster <name>", "only endpoints of this cluster")
    .option("--status <status>", "only healthy, unhealthy, draining … endpoints")
    .action(async (target: string | undefined, flags: Flags, command: Command) => {
      const { kube, namespace, pod } = await reach(context, command, target, flags);
      const json = filterEndpoints(await fetchEndpoints(kube, namespace, pod), flags);
      print(context, flags.output, ENDPOINT_HEADER, endpointRows(json), json);
    });
}

function addAll(group: Command, context: CliContext): void {
  part(group, ["all", "a"], "everything that the proxy is configured to do")
    .option("-f, --file <dump>", "read a configuration dump instead of asking a pod")
    .action(async (target: string | undefined, flags: Flags, command: Command) => {
      const dump = await dumpOf(context, command, target, flags);
      if (formatOf(flags.output) === "short") {
        const tables = tableViews.map((view) => renderTable(view.header, view.load(dump, {}).rows));
        return context.out(tables.join("\n"));
      }
      const all = Object.fromEntries(views.map((view) => [view.words[0], view.load(dump, {}).json]));
      print(context, flags.output, [], [], all);
    });
}

function addLog(group: Command, context: CliContext): void {
  part(group, ["log", "o"], "log levels of the proxy, and how to change them while it runs")
    .option("--level <levels>", "debug, or logger:level,… such as http:debug,pool:trace")
    .option("-r, --reset", "back to warning")
    .action(async (target: string | undefined, flags: Flags, command: Command) => {
      const queries = loggingQueries(flags.level, flags.reset === true);
      const { kube, namespace, pod } = await reach(context, command, target, flags);
      let text = "";
      for (const query of queries)
        text = await podGet(kube, namespace, pod, ADMIN_PORT, `/logging${query && `?${query}`}`, "POST");
      context.out(`${pod}.${namespace}:\n${text}`);
    });
}

function addRootCompare(group: Command, context: CliContext): void {
  group
    .command("rootca-compare <pod> <other>")
    .description("whether two pods trust the same roots")
    .option("-n, --namespace <namespace>", "namespace of the pods")
    .action(async (pod: string, other: string, flags: Flags, command: Command) => {
      const sides = [];
      for (const target of [pod, other]) {
        const found = await reach(context, command, target, { ...flags, output: "json" });
        const { secrets } = await fetchDump(found.kube, found.namespace, found.pod);
        const roots = secrets.find((s) => s.name === "ROOTCA")?.secret ?? {};
        sides.push({
          name: `${found.pod}.${found.namespace}`,
          roots: pemOf(at(roots, "validation_context", "trusted_ca")).trim(),
        });
      }
      const [a, b] = sides;
      const both = `Both [${a?.name}] and [${b?.name}] have`;
      if (a?.roots === b?.roots)
        return context.out(`${both} the identical ROOTCA, theoretically the connectivity between them is available\n`);
      throw new UsageError(
        `${both} the non identical ROOTCA, theoretically the connectivity between them is not available`,
      );
    });
}

function printView(context: CliContext, format: string, view: View, flags: Flags, dump: Parameters<View["load"]>[0]) {
  const { json, rows } = view.load(dump, flags);
  print(context, view.header.length === 0 && formatOf(format) === "short" ? "json" : format, view.header, rows, json);
}

function formatOf(format: string): "short" | "json" | "yaml" {
  if (format === "short" || format === "table") return "short";
  if (format === "json" || format === "yaml") return format;
  throw new UsageError(`-o ${format}: expected short, json or yaml`);
}

function print(
  context: CliContext,
  format: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  json: unknown,
): void {
  const kind = formatOf(format);
  if (kind === "yaml") context.out(stringify(json));
  else if (kind === "json") context.out(`${JSON.stringify(json, null, 2)}\n`);
  else context.out(renderTable(header, rows));
}
