import { expect, test } from "bun:test";
import { defaultMeshConfig, type ObjectRef, type Problem, refKey } from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import { emptyMesh } from "@heddle/model";
import { createLineSink, createLogger, createManualClock } from "@heddle/std";
import { createResourceStatus } from "./resource-status.ts";

test("a status that could not be written is written later", async () => {
  const ref: ObjectRef = { group: "networking.istio.io", kind: "VirtualService", namespace: "shop", name: "web" };
  const object = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "web", namespace: "shop", generation: 1 },
    spec: {},
  };
  let down = true;
  const written: unknown[] = [];
  const kube = {
    list: async () => ({ items: [] }),
    find: async () => object,
    patch: async (_ref: object, body: unknown) => {
      if (down) throw new Error("the API server is away");
      written.push(body);
    },
  };
  const clock = createManualClock();
  const status = createResourceStatus({
    kube: kube as unknown as KubeClient,
    clock,
    log: createLogger({ clock, level: "error", sink: createLineSink("text", () => {}) }),
  });
  const problem: Problem = { source: "test", severity: "error", path: "spec.hosts", reason: "is required" };
  status.update({ ...emptyMesh({ mesh: defaultMeshConfig() }), problems: new Map([[refKey(ref), [problem]]]) });
  await Bun.sleep(1);
  expect(written).toEqual([]);
  down = false;
  clock.advance(10_000);
  await Bun.sleep(1);
  expect(written).toMatchObject([{ status: { conditions: [{ type: "Reconciled", status: "False" }] } }]);
  status.close();
});
