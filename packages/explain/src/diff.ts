import type { MeshState } from "@heddle/model";
import { type Described, describeConfig } from "./describe.ts";
import { type Generator, generatedConfig } from "./generated-config.ts";
import type { MeshedPod } from "./proxies.ts";
import { differingSettings } from "./settings-diff.ts";

/** One resource of a proxy that differs. */
export interface ResourceChange {
  /** `route 9080`, `cluster outbound|80||web.shop.svc.cluster.local`. */
  readonly resource: string;
  readonly kind: "added" | "removed" | "changed";
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Workloads for which a change comes to the same. */
export interface WorkloadChange {
  /** `namespace/workload`. */
  readonly workloads: readonly string[];
  readonly changes: readonly ResourceChange[];
}

export interface MeshDiff {
  readonly changes: readonly WorkloadChange[];
  /** Workloads that notice nothing. */
  readonly unchanged: readonly string[];
}

export interface DiffSide {
  readonly state: MeshState;
  readonly pods: readonly MeshedPod[];
}

/** What proxies would be told differently. Replicas count once; workloads with the same difference are put together. */
export function diffMeshes(
  before: DiffSide,
  after: DiffSide,
  generator: Pick<Generator, "patcher" | "registry">,
  views: () => Generator["views"],
): MeshDiff {
  const [old, young] = [byWorkload(before), byWorkload(after)];
  const groups = new Map<string, { workloads: string[]; changes: readonly ResourceChange[] }>();
  const unchanged: string[] = [];
  const [oldViews, youngViews] = [views(), views()];
  for (const workload of [...new Set([...old.keys(), ...young.keys()])].sort()) {
    const lines = (side: DiffSide, pod: MeshedPod | undefined, own: Generator["views"]) =>
      pod === undefined
        ? new Map<string, Described>()
        : describeConfig(generatedConfig(side.state, pod.node, { ...generator, views: own }));
    const changes = compare(lines(before, old.get(workload), oldViews), lines(after, young.get(workload), youngViews));
    if (changes.length === 0) {
      unchanged.push(workload);
      continue;
    }
    const key = JSON.stringify(changes);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { workloads: [workload], changes });
    else group.workloads.push(workload);
  }
  return { changes: [...groups.values()], unchanged };
}

function byWorkload({ state, pods }: DiffSide): ReadonlyMap<string, MeshedPod> {
  const found = new Map<string, MeshedPod>();
  for (const pod of pods) {
    const name = `${pod.namespace}/${state.workloads.get(pod.ip)?.workloadName ?? pod.name}`;
    if (!found.has(name)) found.set(name, pod);
  }
  return found;
}

function compare(
  before: ReadonlyMap<string, Described>,
  after: ReadonlyMap<string, Described>,
): readonly ResourceChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((resource): readonly ResourceChange[] => {
    const [old, young] = [before.get(resource), after.get(resource)];
    if (old === undefined) return [{ resource, kind: "added", removed: [], added: young?.lines ?? [] }];
    if (young === undefined) return [{ resource, kind: "removed", removed: old.lines, added: [] }];
    if (old.lines.join("\n") === young.lines.join("\n")) {
      // What has no line of its own is told field by field.
      const settings = differingSettings(old.resource, young.resource);
      return settings === undefined ? [] : [{ resource, kind: "changed", ...settings }];
    }
    return [
      {
        resource,
        kind: "changed",
        removed: old.lines.filter((line) => !young.lines.includes(line)),
        added: young.lines.filter((line) => !old.lines.includes(line)),
      },
    ];
  });
}

/** The difference as text. */
export function diffText({ changes, unchanged }: MeshDiff): string {
  if (changes.length === 0)
    return `Nothing would change: none of ${unchanged.length} ${unchanged.length === 1 ? "workload" : "workloads"} is told anything else.\n`;
  const marks = { added: "+", removed: "-", changed: "~" };
  const lines = changes.flatMap((group) => [
    `${group.workloads.join(", ")}:`,
    ...group.changes.flatMap(({ resource, kind, removed, added }) => [
      `  ${marks[kind]} ${resource}${removed.length + added.length === 0 ? " (order of rules)" : ""}`,
      ...removed.map((line) => `      - ${line}`),
      ...added.map((line) => `      + ${line}`),
    ]),
    "",
  ]);
  const rest =
    unchanged.length === 0
      ? ""
      : `${unchanged.length} other ${unchanged.length === 1 ? "workload notices" : "workloads notice"} nothing: ${unchanged.join(", ")}\n`;
  return `${lines.join("\n")}${rest}`;
}
