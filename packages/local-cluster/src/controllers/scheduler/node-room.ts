import { at, dict, int, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { parseQuantity } from "../../quantity.ts";
import { isFinished } from "../pod-state.ts";

type Amounts = Readonly<Record<string, number>>;

/** Why a pod does not fit beside the pods that a node already has, in kube-scheduler's words. */
export function roomRefusals(pod: KubeObject, node: KubeObject, placed: readonly KubeObject[]): readonly string[] {
  const running = placed.filter((other) => !isFinished(other));
  if (portClash(pod, running)) return ["node(s) didn't have free ports for the requested pod ports"];
  const allocatable = dict(at(node, "status", "allocatable"));
  const refusals: string[] = [];
  if (allocatable["pods"] !== undefined && running.length + 1 > quantity(allocatable["pods"]))
    refusals.push("Too many pods");
  const used = running.map(requestsOf);
  for (const [name, amount] of Object.entries(requestsOf(pod))) {
    if (amount === 0 || name === "pods") continue;
    if (allocatable[name] === undefined && (name === "cpu" || name === "memory" || name === "ephemeral-storage"))
      continue;
    const taken = used.reduce((sum, other) => sum + (other[name] ?? 0), 0);
    if (taken + amount > quantity(allocatable[name]) + 1e-9) refusals.push(`Insufficient ${name}`);
  }
  return refusals;
}

/** What a pod asks for: the containers and native sidecars together, or more when an init container asks for more. Source: Kubernetes' `PodRequests`. */
export function requestsOf(pod: KubeObject): Amounts {
  const total: Record<string, number> = {};
  for (const container of list(at(pod, "spec", "containers"))) add(total, containerRequests(container));
  const sidecars: Record<string, number> = {};
  const peak: Record<string, number> = {};
  for (const container of list(at(pod, "spec", "initContainers"))) {
    const own = containerRequests(container);
    if (dict(container)["restartPolicy"] === "Always") {
      add(sidecars, own);
      add(total, own);
      raise(peak, sidecars);
    } else {
      const together: Record<string, number> = { ...sidecars };
      add(together, own);
      raise(peak, together);
    }
  }
  raise(total, peak);
  for (const [name, value] of Object.entries(dict(at(pod, "spec", "overhead"))))
    total[name] = (total[name] ?? 0) + quantity(value);
  return total;
}

function containerRequests(container: unknown): Amounts {
  const { requests, limits } = dict(at(container, "resources"));
  const amounts: Record<string, number> = {};
  for (const [name, value] of Object.entries({ ...dict(limits), ...dict(requests) })) amounts[name] = quantity(value);
  return amounts;
}

function add(into: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) into[name] = (into[name] ?? 0) + amount;
}

function raise(into: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) into[name] = Math.max(into[name] ?? 0, amount);
}

function portClash(pod: KubeObject, others: readonly KubeObject[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPorts);
  return wanted.some((port) =>
    taken.some((other) => other.port === port.port && other.protocol === port.protocol && overlap(other.ip, port.ip)),
  );
}

interface HostPort {
  readonly port: number;
  readonly protocol: string;
  readonly ip: string;
}

function hostPorts(pod: KubeObject): readonly HostPort[] {
  return [...list(at(pod, "spec", "containers")), ...list(at(pod, "spec", "initContainers"))].flatMap((container) =>
    list(dict(container)["ports"]).flatMap((item) => {
      const { hostPort, protocol, hostIP } = dict(item);
      const port = int(hostPort);
      return port === 0 ? [] : [{ port, protocol: text(protocol, "TCP"), ip: text(hostIP, "0.0.0.0") }];
    }),
  );
}

function overlap(a: string, b: string): boolean {
  return a === b || a === "0.0.0.0" || b === "0.0.0.0";
}

/** The number that an amount means; 0 for what is none (validation refuses those). */
function quantity(value: unknown): number {
  return typeof value === "number" ? value : (parseQuantity(text(value).trim()) ?? 0);
}
