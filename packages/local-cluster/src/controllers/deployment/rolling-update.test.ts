import { describe, expect, test } from "bun:test";
import { freeze } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { rollOn } from "./rolling-update.ts";
import { rolloutView } from "./rollout-view.ts";
import { scaleProportionally } from "./scaling.ts";

function deployment(replicas: number, rolling: object = {}): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      replicas,
      template: { spec: { image: "new" } },
      strategy: { type: "RollingUpdate", rollingUpdate: rolling },
    },
  };
}

function set(name: string, replicas: number, available: number, max?: number): KubeObject {
  const annotations = max === undefined ? {} : { "deployment.kubernetes.io/max-replicas": String(max) };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, annotations, creationTimestamp: name },
    spec: { replicas, template: { spec: { image: name } } },
    status: { replicas: available, availableReplicas: available },
  };
}

const words = (actions: readonly { readonly kind: string }[]) =>
  actions.map((action) =>
    "object" in action && "patch" in action
      ? `${(action.object as KubeObject).metadata.name} → ${(action.patch as { spec: { replicas: number } }).spec.replicas}`
      : action.kind,
  );

/** [replicas, rolling, old: [spec, available], new: [spec, available], what happens] */
const cases: readonly (readonly [
  string,
  number,
  object,
  readonly [number, number],
  readonly [number, number],
  readonly string[],
])[] = [
  ["25 % of 4: one more first", 4, {}, [4, 4], [0, 0], ["new → 1"]],
  ["then one of the old goes", 4, {}, [4, 4], [1, 0], ["old → 3"]],
  ["nothing while the new one isn't available", 4, {}, [3, 3], [1, 0], ["new → 2"]],
  ["maxSurge 0: down first", 2, { maxSurge: 0, maxUnavailable: 1 }, [2, 2], [0, 0], ["old → 1"]],
  ["… then up", 2, { maxSurge: 0, maxUnavailable: 1 }, [1, 1], [0, 0], ["new → 1"]],
  ["maxUnavailable 0 waits", 1, { maxSurge: 1, maxUnavailable: 0 }, [1, 1], [1, 0], []],
  ["… and goes on", 1, { maxSurge: 1, maxUnavailable: 0 }, [1, 1], [1, 1], ["old → 0"]],
  ["what never became ready goes first", 3, { maxSurge: 1, maxUnavailable: 1 }, [2, 0], [2, 2], ["old → 0"]],
];

describe("rollOn", () => {
  for (const [name, replicas, rolling, old, fresh, want] of cases) {
    test(name, () => {
      const newSet = set("new", fresh[0], fresh[1]);
      const view = rolloutView(freeze(deployment(replicas, rolling)), freeze([set("old", old[0], old[1]), newSet]), 0);
      expect(words(rollOn(view, view.newSet ?? newSet))).toEqual([...want]);
    });
  }
});

describe("scaleProportionally", () => {
  test("in the middle of a rollout both grow by their share", () => {
    const view = rolloutView(
      freeze(deployment(20, { maxSurge: 0, maxUnavailable: 1 })),
      freeze([set("old", 7, 7, 10), set("new", 3, 3, 10)]),
      0,
    );
    expect(words(scaleProportionally(view)).toSorted()).toEqual(["new → 6", "old → 14"]);
  });
  test("a single one takes all", () => {
    const view = rolloutView(freeze(deployment(5)), freeze([set("new", 2, 2)]), 0);
    expect(words(scaleProportionally(view))).toEqual(["new → 5"]);
  });
});
