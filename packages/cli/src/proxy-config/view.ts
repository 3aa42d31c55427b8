import { type JsonRecord, textOf } from "@heddle/std";
import type { Command } from "commander";
import { UsageError } from "../context.ts";
import { CLUSTER_HEADER, clusterParts, clusterRows } from "./clusters.ts";
import type { ConfigDump } from "./dump.ts";
import { LISTENER_HEADER, listenerRows, listenerType } from "./listeners.ts";
import { ROUTE_HEADER, routeRows } from "./routes.ts";
import { SECRET_HEADER, secretDump, secretRows } from "./secrets.ts";

/** Filters of all views; each view offers its own. */
export interface ViewFlags {
  readonly address?: string;
  readonly port?: string;
  readonly type?: string;
  readonly name?: string;
  readonly fqdn?: string;
  readonly subset?: string;
  readonly direction?: string;
}

/** What a view prints. */
export interface Loaded {
  readonly json: unknown;
  readonly rows: readonly (readonly string[])[];
}

/** One part of a proxy's configuration: its words on the command line, its filters, its table and its JSON. */
export interface View {
  readonly words: readonly [string, ...string[]];
  readonly about: string;
  readonly header: readonly string[];
  addFlags(command: Command): Command;
  load(dump: ConfigDump, flags: ViewFlags): Loaded;
}

/** Errors: UsageError for a `--port` that is no number. */
export function checkPort(port: string | undefined): void {
  if (port !== undefined && !/^\d{1,5}$/.test(port))
    throw new UsageError(`--port ${port}: expected a port number such as 8080`);
}

function oneOf(flag: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value))
    throw new UsageError(`--${flag} ${value}: expected ${known.slice(0, -1).join(", ")} or ${known.at(-1)}`);
}

const named = (all: readonly JsonRecord[], name: string | undefined) =>
  all.filter((r) => name === undefined || textOf(r["name"]) === name);

const clusters: View = {
  words: ["clusters", "cluster", "c"],
  about: "the destinations that the proxy knows",
  header: CLUSTER_HEADER,
  addFlags: (command) =>
    command
      .option("--fqdn <host>", "only clusters whose host contains this")
      .option("--port <port>", "only clusters of this port")
      .option("--subset <name>", "only clusters of this subset")
      .option("--direction <direction>", "only inbound or outbound clusters"),
  load: (dump, flags) => {
    checkPort(flags.port);
    oneOf("direction", flags.direction, ["inbound", "outbound"]);
    const json = dump.clusters.filter((c) => {
      const parts = clusterParts(textOf(c["name"]));
      return (
        (flags.fqdn === undefined || parts.host.includes(flags.fqdn)) &&
        (flags.port === undefined || parts.port === flags.port) &&
        (flags.subset === undefined || parts.subset === flags.subset) &&
        (flags.direction === undefined || parts.direction === flags.direction)
      );
    });
    return { json, rows: clusterRows(json) };
  },
};

const listeners: View = {
  words: ["listeners", "listener", "l"],
  about: "what the proxy listens on",
  header: LISTENER_HEADER,
  addFlags: (command) =>
    command
      .option("--address <address>", "only listeners of this address")
      .option("--port <port>", "only listeners of this port")
      .option("--type <type>", "only listeners of type HTTP, TCP or HTTP+TCP")
      .option("--name <name>", "only the listener of this name"),
  load: (dump, flags) => {
    checkPort(flags.port);
    const type = flags.type?.toUpperCase();
    oneOf("type", type, ["HTTP", "TCP", "HTTP+TCP"]);
    const json = named(dump.listeners, flags.name).filter((listener) => {
      const [row] = listenerRows([listener]);
      return (
        (flags.address === undefined || row?.[1] === flags.address) &&
        (flags.port === undefined || row?.[2] === flags.port) &&
        (type === undefined || listenerType(listener) === type)
      );
    });
    return { json, rows: listenerRows(json) };
  },
};

const routes: View = {
  words: ["routes", "route", "r"],
  about: "how requests find their cluster",
  header: ROUTE_HEADER,
  addFlags: (command) => command.option("--name <name>", "only the route configuration of this name"),
  load: (dump, flags) => {
    const json = named(dump.routes, flags.name);
    return { json, rows: routeRows(json) };
  },
};

const secret: View = {
  words: ["secret", "secrets", "s"],
  about: "certificates that the proxy holds (never keys)",
  header: SECRET_HEADER,
  addFlags: (command) => command,
  load: (dump) => ({
    json: secretDump(dump.secrets),
    rows: secretRows(dump.secrets, new Date()),
  }),
};

const bootstrap: View = {
  words: ["bootstrap", "b"],
  about: "what the proxy started with",
  header: [],
  addFlags: (command) => command,
  load: (dump) => ({ json: dump.bootstrap, rows: [] }),
};

export const views = [clusters, listeners, routes, secret, bootstrap] as const;
/** The views that `all` shows, in istioctl's order. */
export const tableViews = [clusters, listeners, routes, secret] as const;
