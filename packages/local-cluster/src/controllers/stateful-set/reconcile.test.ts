import { describe, expect, test } from "bun:test";
import { freeze } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action } from "../action.ts";
import { controllerReference } from "../ownership.ts";
import { reconcileStatefulSet } from "./reconcile.ts";

function set(spec: object, status: object = {}): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "n", uid: "u", generation: 1 },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "c", image: "i:2" }] } },
      ...spec,
    },
    status,
  };
}

/** The revision of the present template, as the set would write it. */
function revisionsOf(owner: KubeObject): readonly KubeObject[] {
  const { actions } = reconcileStatefulSet({ set: owner, pods: [], revisions: [], nowMs: 0 });
  return actions.flatMap((action) =>
    action.kind === "create" ? [{ ...action.object, metadata: { ...action.object.metadata, uid: "r" } }] : [],
  );
}

function pod(
  owner: KubeObject,
  ordinal: number,
  more: { ready?: boolean; revision?: string; terminating?: boolean } = {},
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `db-${ordinal}`,
      namespace: "n",
      labels: { app: "db", "controller-revision-hash": more.revision ?? revisionsOf(owner)[0]?.metadata.name ?? "" },
      ownerReferences: [controllerReference(owner)],
      ...(more.terminating === true && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    status: {
      phase: "Running",
      conditions: [
        { type: "Ready", status: more.ready === false ? "False" : "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
      ],
    },
  };
}

function words(actions: readonly Action[]): readonly string[] {
  return actions.flatMap((action) =>
    action.kind === "create" || action.kind === "delete"
      ? `${action.kind} ${action.object.kind} ${action.object.metadata.name}`
      : [],
  );
}

function look(owner: KubeObject, pods: readonly KubeObject[]): readonly string[] {
  return words(reconcileStatefulSet(freeze({ set: owner, pods, revisions: revisionsOf(owner), nowMs: 0 })).actions);
}

describe("reconcileStatefulSet", () => {
  const db = set({});
  test("the revision is written first", () => {
    expect(words(reconcileStatefulSet({ set: db, pods: [], revisions: [], nowMs: 0 }).actions)).toEqual([
      `create ControllerRevision ${revisionsOf(db)[0]?.metadata.name}`,
    ]);
  });
  test("one after the other", () => {
    expect(look(db, [])).toEqual(["create Pod db-0"]);
    expect(look(db, [pod(db, 0, { ready: false })])).toEqual([]);
    expect(look(db, [pod(db, 0)])).toEqual(["create Pod db-1"]);
    expect(look(db, [pod(db, 0), pod(db, 2)])).toEqual(["create Pod db-1"]);
    expect(look(db, [pod(db, 0), pod(db, 1, { terminating: true }), pod(db, 2)])).toEqual([]);
  });
  test("all at once with Parallel", () => {
    expect(look(set({ podManagementPolicy: "Parallel" }), [])).toEqual([
      "create Pod db-0",
      "create Pod db-1",
      "create Pod db-2",
    ]);
  });
  test("down from the highest", () => {
    const small = set({ replicas: 1 });
    expect(look(small, [pod(small, 0), pod(small, 1), pod(small, 2)])).toEqual(["delete Pod db-2"]);
    expect(look(small, [pod(small, 0), pod(small, 1), pod(small, 2, { terminating: true })])).toEqual([]);
  });
  test("a new template replaces from the highest, down to the partition", () => {
    const old = (ordinal: number) => pod(db, ordinal, { revision: "old" });
    expect(look(db, [old(0), old(1), old(2)])).toEqual(["delete Pod db-2"]);
    expect(look(db, [old(0), old(1), pod(db, 2)])).toEqual(["delete Pod db-1"]);
    expect(look(db, [old(0), old(1), pod(db, 2, { ready: false })])).toEqual([]);
    const part = set({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } });
    expect(look(part, [old(0), old(1), pod(part, 2)])).toEqual([]);
    expect(look(set({ updateStrategy: { type: "OnDelete" } }), [old(0), old(1), old(2)])).toEqual([]);
  });
  test("claims come before the pod, and stay", () => {
    const stored = set({
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }],
    });
    expect(look(stored, [])).toEqual(["create PersistentVolumeClaim data-db-0", "create Pod db-0"]);
  });
});
