import { parseArgs } from "node:util";
import { ClusterProblem } from "./supervisor/cluster-problem.ts";
import type { CommandContext, CommandFlags } from "./supervisor/commands/context.ts";
import { down } from "./supervisor/commands/down.ts";
import { serve } from "./supervisor/commands/serve.ts";
import { kubeconfig, list, status } from "./supervisor/commands/show.ts";
import { up } from "./supervisor/commands/up.ts";
import { createRegistry } from "./supervisor/registry.ts";
import { stateDirectory } from "./supervisor/state-directory.ts";

type Command = (context: CommandContext, flags: CommandFlags) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = { up, down, list, status, kubeconfig, serve };
const DEFAULT_NAME = "heddle";

const USAGE = `Usage: heddle local COMMAND [--name NAME]

An embedded Kubernetes: API, node, pods as processes in network namespaces, services, DNS.

  up           start a cluster in the background; prints the KUBECONFIG line to use
                 --port PORT            port of the API on 127.0.0.1 (16443 and up)
                 --cluster-domain NAME  DNS domain (cluster.local)
                 --merge                also add the context to your own kubeconfig
  down         end it and remove everything (--all: every cluster of yours)
  list         the running clusters
  status       addresses, start-up times, whether the API answers
  kubeconfig   print the kubeconfig (--path: where it is)

  --name NAME  which cluster (heddle); several run side by side
`;

const FLAGS = {
  name: { type: "string" },
  port: { type: "string" },
  "cluster-domain": { type: "string" },
  merge: { type: "boolean" },
  all: { type: "boolean" },
  path: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** `heddle local …`. Gives the exit code; every failure that the user can mend is one sentence on standard error. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const uid = process.getuid?.() ?? 0;
  const state = stateDirectory(env, uid);
  const context: CommandContext = {
    env,
    uid,
    state,
    registry: createRegistry(state),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
  try {
    const [word, ...rest] = argv;
    if (word === undefined || word === "help" || word === "--help" || word === "-h") {
      context.out(USAGE);
      return 0;
    }
    const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
    if (command === undefined)
      throw new ClusterProblem(`"${word}" is no command of heddle local; known: up, down, list, status, kubeconfig`);
    const flags = readFlags(rest);
    if (flags === "help") context.out(USAGE);
    return flags === "help" ? 0 : await command(context, flags);
  } catch (error) {
    if (!(error instanceof ClusterProblem)) throw error;
    context.err(`heddle local: ${error.message}\n`);
    return 1;
  }
}

function readFlags(args: readonly string[]): CommandFlags | "help" {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    throw new ClusterProblem(`${error instanceof Error ? error.message : error}; heddle local --help lists the flags`);
  }
  if (values.help === true) return "help";
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
    throw new ClusterProblem(`--port: "${values.port}" is no port (1 to 65535)`);
  }
  const domain = values["cluster-domain"];
  if (domain !== undefined && !/^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$/.test(domain)) {
    throw new ClusterProblem(`--cluster-domain: "${domain}" is no DNS domain such as cluster.local`);
  }
  return {
    name: values.name ?? DEFAULT_NAME,
    ...(port === undefined ? {} : { port }),
    ...(domain === undefined ? {} : { clusterDomain: domain }),
    merge: values.merge === true,
    all: values.all === true,
    path: values.path === true,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
