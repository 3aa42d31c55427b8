import { describe, expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { KubeError } from "./kube-error.ts";
import type { KubeList, KubeObject } from "./kube-object.ts";
import { createWatch } from "./watch.ts";

function pod(name: string, resourceVersion: string, uid = `uid-${name}`): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "a", uid, resourceVersion } };
}

/** A scripted API server: each list and each stream takes the next entry. */
function script(
  lists: readonly (KubeList | Error)[],
  streams: readonly (readonly unknown[] | Error)[],
  closeAtFirst = false,
) {
  const opened: unknown[] = [];
  let listed = 0;
  const clock = createManualClock();
  const told: string[] = [];
  const errors: string[] = [];
  const watch = createWatch(
    {
      async list() {
        const next = lists[listed++];
        if (next instanceof Error) throw next;
        if (next === undefined) return new Promise(() => {});
        return next;
      },
      async open(query) {
        const next = streams[opened.length];
        opened.push(query["resourceVersion"]);
        if (next instanceof Error) throw next;
        if (next === undefined) return new Promise(() => {});
        return new Blob([next.map((line) => `${JSON.stringify(line)}\n`).join("")]).stream();
      },
    },
    {
      onEvent: ({ type, object }) => {
        told.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
        if (closeAtFirst) watch.close();
      },
      onSync: () => told.push("SYNC"),
      onError: (error) => errors.push(error.message),
    },
    clock,
    () => 0.5,
  );
  /** Lets promises settle, moving time when the loop waits. */
  const settle = async () => {
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      clock.advance(1000);
    }
  };
  return { watch, told, errors, opened, settle };
}

describe("createWatch", () => {
  test("tells the list, then events, and resumes where a stream ended", async () => {
    const run = script(
      [{ items: [pod("x", "1")], resourceVersion: "5" }],
      [
        [
          { type: "ADDED", object: pod("y", "6") },
          { type: "BOOKMARK", object: { apiVersion: "v1", kind: "Pod", metadata: { resourceVersion: "9" } } },
        ],
        [{ type: "DELETED", object: pod("x", "10") }],
      ],
    );
    await run.settle();
    run.watch.close();
    expect(run.told).toEqual(["ADDED x@1", "SYNC", "ADDED y@6", "DELETED x@10"]);
    expect(run.opened).toEqual(["5", "9", "10"]);
    expect(run.errors).toEqual([]);
  });

  test("after 410 a new list tells only the difference", async () => {
    const run = script(
      [
        {
          items: [pod("gone", "1"), pod("same", "2"), pod("changed", "3"), pod("again", "4", "old")],
          resourceVersion: "5",
        },
        {
          items: [pod("same", "2"), pod("changed", "7"), pod("again", "8", "new"), pod("new", "9")],
          resourceVersion: "9",
        },
      ],
      [[{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]],
    );
    await run.settle();
    run.watch.close();
    const after = run.told.slice(run.told.indexOf("SYNC") + 1);
    expect(after).toEqual(["MODIFIED changed@7", "DELETED again@4", "ADDED again@8", "ADDED new@9", "DELETED gone@1"]);
    expect(run.opened).toEqual(["5", "9"]);
  });

  test("a kind that isn't served syncs empty and is found later", async () => {
    const missing = new KubeError(404, "NotFound", "no such kind");
    const run = script([missing, missing, { items: [pod("x", "1")], resourceVersion: "1" }], []);
    await run.settle();
    run.watch.close();
    expect(run.told).toEqual(["SYNC", "ADDED x@1"]);
    expect(run.errors).toEqual(["no such kind", "no such kind"]);
  });

  test("an unreachable server is tried again; nothing is told twice", async () => {
    const down = new KubeError(0, "Unreachable", "down");
    const run = script(
      [down, { items: [pod("x", "1")], resourceVersion: "1" }],
      [down, [{ type: "ADDED", object: pod("x", "1") }]],
    );
    await run.settle();
    run.watch.close();
    expect(run.told).toEqual(["ADDED x@1", "SYNC", "MODIFIED x@1"]);
    expect(run.errors).toEqual(["down", "down"]);
  });

  test("nothing is told after close", async () => {
    const run = script([{ items: [pod("x", "1")], resourceVersion: "1" }], []);
    run.watch.close();
    await run.settle();
    expect(run.told).toEqual([]);
  });

  test("closed by what the list tells, it opens no stream", async () => {
    const run = script([{ items: [pod("x", "1"), pod("y", "2")], resourceVersion: "2" }], [], true);
    await run.settle();
    expect(run.told).toEqual(["ADDED x@1"]);
    expect(run.opened).toEqual([]);
  });
});
