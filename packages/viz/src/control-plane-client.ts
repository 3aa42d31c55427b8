import type { Inventory, PodInfo } from "./inventory.ts";

/** Asks the replicas of the control plane. */
export interface ControlPlaneClient {
  replicas(): readonly PodInfo[];
  /** The text at a path of the debug port. Errors: what the network or the replica says. */
  text(replica: PodInfo, path: string, timeoutMs?: number): Promise<string>;
  /** The same, parsed. Errors: also for what is no JSON. */
  json(replica: PodInfo, path: string, timeoutMs?: number): Promise<unknown>;
}

export interface ControlPlaneDeps {
  readonly inventory: Inventory;
  fetchText(url: string, timeoutMs: number): Promise<string>;
}

/** Where the control plane answers questions about itself. Source: docs/decisions/0001. */
const DEBUG_PORT = 15014;
const TIMEOUT_MS = 3000;

export function createControlPlaneClient({ inventory, fetchText }: ControlPlaneDeps): ControlPlaneClient {
  const text = (replica: PodInfo, path: string, timeoutMs = TIMEOUT_MS) =>
    fetchText(`http://${replica.ip}:${DEBUG_PORT}${path}`, timeoutMs);
  return {
    replicas: () => inventory.pods().filter((p) => p.labels["app"] === "istiod" && p.running && p.ip !== ""),
    text,
    json: async (replica, path, timeoutMs) => {
      const parsed: unknown = JSON.parse(await text(replica, path, timeoutMs));
      return parsed;
    },
  };
}

/** An answer that several askers share while it is fresh; a failure is not kept. Units: ms. */
export function kept<T>(freshMs: number, nowMs: () => number, ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const now = nowMs();
    if (last && now - last.atMs <= freshMs) return last.answer;
    const fresh = { atMs: now, answer: ask() };
    last = fresh;
    fresh.answer.catch(() => {
      if (last === fresh) last = undefined;
    });
    return fresh.answer;
  };
}
