import { readFileSync } from "node:fs";
import type { KubeClient } from "@heddle/kube-client";
import { processUsage } from "../measure/process-usage.ts";
import type { Fleet, FleetAnswer } from "./fleet.ts";
import { endpointSlice, flapAddress, type MeshSize, ROUTED, routePrefix, virtualService } from "./objects.ts";
import type { Plane } from "./plane.ts";

/** What one scenario cost. */
export interface Outcome {
  readonly scenario: string;
  /** From event to acknowledgement, one for each proxy and repetition. Units: ms. */
  readonly convergenceMs: readonly number[];
  /** Of the control plane, per repetition. Units: ms. */
  readonly cpuMs: number;
  /** Pushed per repetition. Units: bytes. */
  readonly bytes: number;
  readonly responses: number;
  /** At the end. Units: bytes. */
  readonly rssBytes: number;
}

export interface ScenarioDeps {
  readonly kube: KubeClient;
  readonly plane: Plane;
  readonly fleet: Fleet;
  readonly size: MeshSize;
  readonly repetitions: number;
  /** Of one wait for all proxies. Units: ms. */
  readonly limitMs: number;
  /** Counts up over the whole run: no two changes are alike. */
  nextTurn(): number;
  progress(text: string): void;
}

/** A change is over when nothing more arrives for this long. */
const QUIET_MS = 400;
const now = (): number => performance.timeOrigin + performance.now();

/** All scenarios, in an order in which each finds the proxies connected. */
export async function runScenarios(deps: ScenarioDeps): Promise<readonly Outcome[]> {
  const { size, fleet } = deps;
  const join = (from: number, count: number) => fleet.run({ do: "join", from, count, limitMs: deps.limitMs });
  await fleet.run({ do: "quiet", quietMs: 500 });
  const outcomes = [
    await measure(deps, "all proxies join", 1, () => join(0, size.proxies)),
    await measure(deps, "endpoint flaps", deps.repetitions, (turn) =>
      seen(deps, flapAddress(turn), async () => {
        await deps.kube.replace(endpointSlice(pick(turn, size), size.endpoints, turn));
      }),
    ),
    await measure(deps, "VirtualService changes", deps.repetitions, (turn) =>
      seen(deps, routePrefix(turn), async () => {
        const changed = virtualService(pick(turn, size), turn);
        const { apiVersion, kind } = changed;
        const { name, namespace = "" } = changed.metadata;
        await deps.kube.patch({ apiVersion, kind, name, namespace }, { spec: changed["spec"] });
      }),
    ),
    await measure(deps, "one proxy joins", deps.repetitions, async (turn) => {
      const answer = await join(size.proxies + turn, 1);
      await fleet.run({ do: "leave", keep: size.proxies });
      return answer;
    }),
    await measure(deps, "reconnect storm", 1, async () => {
      await fleet.run({ do: "leave", keep: 0 });
      return join(0, size.proxies);
    }),
  ];
  await fleet.run({ do: "leave", keep: 0 });
  return outcomes;
}

/** A service with a VirtualService, another one each time. */
const pick = (turn: number, size: MeshSize): number => (turn * ROUTED) % (size.services - (size.services % ROUTED));

async function seen(deps: ScenarioDeps, marker: string, change: () => Promise<void>): Promise<FleetAnswer> {
  await deps.fleet.run({ do: "expect", marker });
  const startedAt = now();
  const answer = deps.fleet.run({ do: "seen", quietMs: QUIET_MS, limitMs: deps.limitMs });
  await change();
  return { ...(await answer), startedAt };
}

async function measure(
  deps: ScenarioDeps,
  scenario: string,
  repetitions: number,
  run: (turn: number) => Promise<FleetAnswer>,
): Promise<Outcome> {
  const { plane } = deps;
  const convergenceMs: number[] = [];
  let bytes = 0;
  let responses = 0;
  let cpuMs = 0;
  for (let i = 0; i < repetitions; i++) {
    const before = processUsage(plane.pid).cpuMs;
    const answer = await run(deps.nextTurn());
    await Bun.sleep(200);
    cpuMs += processUsage(plane.pid).cpuMs - before;
    for (const at of answer.times) convergenceMs.push(at - answer.startedAt);
    bytes += answer.bytes;
    responses += answer.responses;
  }
  const { rssBytes } = processUsage(plane.pid);
  deps.progress(scenario);
  return {
    scenario,
    convergenceMs,
    cpuMs: cpuMs / repetitions,
    bytes: bytes / repetitions,
    responses: responses / repetitions,
    rssBytes,
  };
}

/** The most memory that a process ever had. Units: bytes. */
export function peakRssBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}
