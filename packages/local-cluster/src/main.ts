import { parseArgs } from "node:util";
import type { NetworkChoice } from "./network/index.ts";
import { ClusterProblem } from "./supervisor/cluster-problem.ts";
import { attach } from "./supervisor/commands/attach.ts";
import type { CommandContext, CommandFlags } from "./supervisor/commands/context.ts";
import { down } from "./supervisor/commands/down.ts";
import { serve } from "./supervisor/commands/serve.ts";
import { kubeconfig, list, status } from "./supervisor/commands/show.ts";
import { up } from "./supervisor/commands/up.ts";
import { wan } from "./supervisor/commands/wan.ts";
import { createRegistry } from "./supervisor/registry.ts";
import { stateDirectory } from "./supervisor/state-directory.ts";
import { attachedAddressProblem, type LinkSettings, PERFECT_LINK, readDelay, readLoss } from "./wan/index.ts";

type Command = (context: CommandContext, flags: CommandFlags) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = { up, down, list, status, kubeconfig, wan, attach, serve };
const DEFAULT_NAME = "heddle";

const USAGE = `Usage: heddle local COMMAND [--name NAME]

An embedded Kubernetes: API, node, pods as processes in network namespaces, services, DNS.

  up           start a cluster in the background; prints the KUBECONFIG line to use
                 --port PORT            port of the API on 127.0.0.1 (16443 and up)
                 --cluster-domain NAME  DNS domain (cluster.local)
                 --pod-cidr, --service-cidr NET/16  chosen so that clusters differ; equal ones work too
                 --flat                 one network with the other flat clusters: pods reach pods
                 --merge                also add the context to your own kubeconfig
  down         end it and remove everything (--all: every cluster of yours)
  list         the running clusters
  status       addresses, start-up times, whether the API answers
  kubeconfig   print the kubeconfig (--path: where it is)
  wan          how clusters reach each other: 198.18.N.1 is each one's only address from outside
                 --delay 40ms, --loss 1%   one way, from now on
                 --cut, --restore          everything gets lost; everything perfect again
                 --between A,B             one pair only
  attach       joins the network of another cluster's node to that line until Ctrl-C (docs/multicluster.md)
                 --netns PATH           its network namespace: /run/netns/NAME, /proc/PID/ns/net
                 --address IP[,IP]      its own addresses that the clusters shall reach, such as its API server's

  --name NAME  which cluster (heddle); several run side by side
`;

const FLAGS = {
  name: { type: "string" },
  port: { type: "string" },
  "cluster-domain": { type: "string" },
  "pod-cidr": { type: "string" },
  "service-cidr": { type: "string" },
  flat: { type: "boolean" },
  delay: { type: "string" },
  loss: { type: "string" },
  cut: { type: "boolean" },
  restore: { type: "boolean" },
  between: { type: "string" },
  netns: { type: "string" },
  address: { type: "string", multiple: true },
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
      throw new ClusterProblem(
        `"${word}" is no command of heddle local; known: up, down, list, status, kubeconfig, wan, attach`,
      );
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
  const network: NetworkChoice = {
    ...(domain === undefined ? {} : { clusterDomain: domain }),
    ...(values["pod-cidr"] === undefined ? {} : { podCidr: values["pod-cidr"] }),
    ...(values["service-cidr"] === undefined ? {} : { serviceCidr: values["service-cidr"] }),
    ...(values.flat === true ? { flat: true } : {}),
  };
  const between = values.between?.split(",").map((name) => name.trim());
  const [one, other] = between ?? [];
  if (between !== undefined && (between.length !== 2 || one === other))
    throw new ClusterProblem(`--between: "${values.between}" is no pair of clusters such as cluster1,cluster2`);
  const addresses = (values.address ?? []).flatMap((list) => list.split(",")).map((one) => one.trim());
  for (const address of addresses) {
    const reason = attachedAddressProblem(address);
    if (reason !== undefined) throw new ClusterProblem(`--address: ${reason}`);
  }
  return {
    name: values.name ?? DEFAULT_NAME,
    ...(values.netns === undefined ? {} : { netns: values.netns }),
    addresses,
    ...(port === undefined ? {} : { port }),
    network,
    link: linkOf(values),
    ...(one === undefined || other === undefined ? {} : { between: [one, other] as const }),
    merge: values.merge === true,
    all: values.all === true,
    path: values.path === true,
  };
}

function linkOf(values: ReturnType<typeof parse>): Partial<LinkSettings> {
  const read = (text: string | undefined, reader: (text: string) => number | string): number | undefined => {
    const value = text === undefined ? undefined : reader(text);
    if (typeof value === "string") throw new ClusterProblem(value);
    return value;
  };
  if (values.cut && values.restore) throw new ClusterProblem("--cut and --restore exclude each other");
  const delayMs = read(values.delay, readDelay);
  const loss = read(values.loss, readLoss);
  return {
    ...(values.restore ? PERFECT_LINK : {}),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(loss === undefined ? {} : { loss }),
    ...(values.cut ? { cut: true } : {}),
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
