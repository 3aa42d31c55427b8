import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { type JsonRecord, textOf } from "../json-view.ts";
import { renderTable } from "../output.ts";
import { findPod } from "../pods.ts";
import { CLUSTER_HEADER, clusterParts, clusterRows } from "../proxy-config/clusters.ts";
import { type ConfigDump, fetchDump, fetchEndpoints } from "../proxy-config/dump.ts";
import { ENDPOINT_HEADER, endpointRows } from "../proxy-config/endpoints.ts";
import { LISTENER_HEADER, listenerRows } from "../proxy-config/listeners.ts";
import { ROUTE_HEADER, routeRows } from "../proxy-config/routes.ts";
import { SECRET_HEADER, secretRows } from "../proxy-config/secrets.ts";

interface Flags {
  readonly output: string;
  readonly namespace?: string;
  readonly port?: string;
  readonly name?: string;
  readonly fqdn?: string;
  readonly direction?: string;
  readonly cluster?: string;
}

/** One view of a proxy: what it prints as a table and what as JSON. */
interface View {
  readonly words: readonly [string, ...string[]];
  readonly about: string;
  readonly header: readonly string[];
  load(dump: ConfigDump, flags: Flags): { readonly json: unknown; readonly rows: readonly (readonly string[])[] };
}

const named = (all: readonly JsonRecord[], name: string | undefined) =>
  all.filter((r) => name === undefined || textOf(r["name"]) === name);

const listenersView: View = {
  words: ["listeners", "listener", "l"],
  about: "what the proxy listens on",
  header: LISTENER_HEADER,
  load: (dump, flags) => {
    const json = named(dump.listeners, flags.name);
    return { json, rows: listenerRows(json).filter((r) => flags.port === undefined || r[1] === flags.port) };
  },
};

const routesView: View = {
  words: ["routes", "route", "r"],
  about: "how requests find their cluster",
  header: ROUTE_HEADER,
  load: (dump, flags) => {
    const json = named(dump.routes, flags.name);
    return { json, rows: routeRows(json) };
  },
};

const clustersView: View = {
  words: ["clusters", "cluster", "c"],
  about: "the destinations that the proxy knows",
  header: CLUSTER_HEADER,
  load: (dump, flags) => {
    const json = dump.clusters.filter((c) => {
      const parts = clusterParts(textOf(c["name"]));
      return (
        (flags.fqdn === undefined || parts.host === flags.fqdn) &&
        (flags.port === undefined || parts.port === flags.port) &&
        (flags.direction === undefined || parts.direction === flags.direction)
      );
    });
    return { json, rows: clusterRows(json) };
  },
};

const secretView: View = {
  words: ["secret", "secrets", "s"],
  about: "certificates that the proxy holds (never keys)",
  header: SECRET_HEADER,
  load: (dump) => ({
    json: dump.secrets.map(({ name, state }) => ({ name, state })),
    rows: secretRows(dump.secrets, new Date()),
  }),
};

const bootstrapView: View = {
  words: ["bootstrap", "b"],
  about: "what the proxy started with",
  header: [],
  load: (dump) => ({ json: dump.bootstrap, rows: [] }),
};

export function addProxyConfig(program: Command, context: CliContext): void {
  const group = program.command("proxy-config").alias("pc").description("what a sidecar is configured to do");
  for (const view of [listenersView, routesView, clustersView, secretView, bootstrapView]) {
    addView(group, view.words, view.about).action(async (target: string, flags: Flags, command: Command) => {
      const { kube, namespace, pod } = await reach(context, command, target, flags);
      const { json, rows } = view.load(await fetchDump(kube, namespace, pod), flags);
      print(context, flags.output, view.header, rows, json, view.words[0] === "bootstrap");
    });
  }
  addView(group, ["endpoints", "endpoint", "ep", "eds"], "where the clusters' traffic goes").action(
    async (target: string, flags: Flags, command: Command) => {
      const { kube, namespace, pod } = await reach(context, command, target, flags);
      const json = await fetchEndpoints(kube, namespace, pod);
      const rows = endpointRows(json).filter(
        (r) =>
          (flags.cluster === undefined || r[3] === flags.cluster) &&
          (flags.port === undefined || r[0]?.endsWith(`:${flags.port}`)),
      );
      print(context, flags.output, ENDPOINT_HEADER, rows, json, false);
    },
  );
}

function addView(group: Command, words: readonly [string, ...string[]], about: string): Command {
  return group
    .command(`${words[0]} <pod>`)
    .aliases(words.slice(1))
    .description(`${about}; <pod> is name[.namespace], pod/name or deploy/name`)
    .option("-n, --namespace <namespace>", "namespace of the pod")
    .option("-o, --output <format>", "short, json or yaml", "short")
    .option("--port <port>", "only this port")
    .option("--name <name>", "only the resource of this name")
    .option("--fqdn <host>", "only clusters of this host")
    .option("--direction <direction>", "only inbound or outbound clusters")
    .option("--cluster <name>", "only endpoints of this cluster");
}

async function reach(context: CliContext, command: Command, target: string, flags: Flags) {
  const kube = await context.kube(globalOptions(command));
  return { kube, ...(await findPod(kube, target, flags.namespace ?? kube.namespace)) };
}

function print(
  context: CliContext,
  format: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  json: unknown,
  onlyJson: boolean,
): void {
  if (format === "yaml") context.out(stringify(json));
  else if (format === "json" || onlyJson) context.out(`${JSON.stringify(json, null, 2)}\n`);
  else if (format === "short") context.out(renderTable(header, rows));
  else throw new UsageError(`-o ${format}: expected short, json or yaml`);
}
