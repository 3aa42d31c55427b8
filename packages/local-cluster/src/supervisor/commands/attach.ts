import { statSync } from "node:fs";
import { createLibc } from "@heddle/netlink";
import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import { networkPlan } from "../../network/index.ts";
import { attachNetwork } from "../../wan/index.ts";
import { ClusterProblem } from "../cluster-problem.ts";
import type { CommandContext, CommandFlags } from "./context.ts";

/** How often the namespace is looked for. Units: ms. */
const WATCH_MS = 1000;

/** Joins a network that is not ours, such as a node of a real Kubernetes, to the line between the embedded clusters, as long as this process runs. */
export async function attach(context: CommandContext, flags: CommandFlags): Promise<number> {
  const { name, netns, addresses = [] } = flags;
  if (netns === undefined)
    throw new ClusterProblem(
      "attach: --netns is missing: the network namespace of the node to attach, such as /run/netns/NAME or /proc/PID/ns/net",
    );
  const inode = inodeOf(netns);
  if (inode === undefined)
    throw new ClusterProblem(`attach: --netns: ${netns} is not there; ip netns list shows those with a name`);
  for (const other of context.registry.list()) {
    const both = addresses.find((address) => other.attached?.addresses.includes(address));
    if (both !== undefined && other.name !== name)
      throw new ClusterProblem(`attach: --address: ${both} leads to "${other.name}" already; one of them has another`);
  }
  const record = await context.registry.reserve(name);
  let ending: (() => void) | undefined;
  try {
    const plan = networkPlan(record.index);
    const { directory } = context.state.cluster(name);
    const clock = createSystemClock();
    const log = createLogger({ clock, sink: createLineSink("text", context.err), scope: "wan" });
    const wan = { libc: createLibc(), plan, index: record.index, directory, log };
    const network = attempt(netns, () => attachNetwork(netns, wan));
    ending = () => network.close();
    context.registry.update({ ...record, status: "ready", attached: { netns, addresses } });
    const also = addresses.length === 0 ? "" : `, and reach it by ${addresses.join(", ")} too`;
    context.out(`${name}: embedded clusters see it as ${plan.externalIp}${also}; attached until this command ends\n`);
    const gone = await asked(() => inodeOf(netns) !== inode);
    if (gone) throw new ClusterProblem(`attach: ${netns} is gone, and so is its line`);
    return 0;
  } finally {
    try {
      ending?.();
    } catch {
      // The namespace went first, and took the rule along.
    }
    context.registry.remove(name);
  }
}

function attempt<T>(netns: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ClusterProblem(
      `attach: ${netns}: ${error instanceof Error ? error.message : error}; it has to be a network namespace, without an end of the line yet, and that of others needs root`,
    );
  }
}

/** Settles at a signal with false, or with true when `gone` is. */
function asked(gone: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setInterval(() => gone() && settle(true), WATCH_MS);
    const settle = (value: boolean) => {
      clearInterval(timer);
      resolve(value);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => settle(false));
  });
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
