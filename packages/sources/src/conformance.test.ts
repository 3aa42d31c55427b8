import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KubeObject, refKey, refOf } from "@heddle/config";
import { kubeClientFor } from "@heddle/kube-client";
import { createSystemClock } from "@heddle/std";
import { createFileSource, createKubernetesSource, createMockSource, mockObjects, type Source } from "./index.ts";
import { startListWatchServer } from "./list-watch.testing.ts";

/** A store that the source reads. */
interface Store {
  source(): Source;
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
  close(): void;
}

const service = (name: string, port = 80): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "a" },
  spec: { ports: [{ port }] },
});

const clock = createSystemClock();

const stores: Record<string, (initial: readonly KubeObject[]) => Store> = {
  file(initial) {
    const path = mkdtempSync(join(tmpdir(), "file-source-"));
    const file = (object: KubeObject): string => join(path, `${object.metadata.name}.yaml`);
    const put = (object: KubeObject): void => writeFileSync(file(object), JSON.stringify(object));
    for (const object of initial) put(object);
    return {
      source: () => createFileSource({ path, clock, quietMs: 10, pollMs: 40 }),
      put,
      remove: (object) => rmSync(file(object)),
      close: () => rmSync(path, { recursive: true }),
    };
  },
  kubernetes(initial) {
    const server = startListWatchServer();
    for (const object of initial) server.put(object);
    const kube = kubeClientFor(server.access, {});
    return {
      source: () =>
        createKubernetesSource({
          kube,
          clock,
          discoveryMs: 20,
          kinds: [
            { group: "", version: "v1", kind: "Service", resource: "services", optional: false },
            {
              group: "security.istio.io",
              version: "v1",
              kind: "PeerAuthentication",
              resource: "peerauthentications",
              optional: true,
            },
          ],
        }),
      put: (object) => server.put(object),
      remove: (object) => server.remove(object),
      close: () => server.close(),
    };
  },
};

let open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.reverse()) one.close();
  open = [];
});

function follow(source: Source) {
  const seen = { live: new Map<string, KubeObject>(), events: 0, synced: 0, problems: [] as string[] };
  open.push(source);
  source.start({
    onEvent: (event) => {
      seen.events++;
      if (event.kind === "upsert") seen.live.set(refKey(refOf(event.object)), event.object);
      else seen.live.delete(refKey(event.ref));
    },
    onSynced: () => void seen.synced++,
    onProblem: (problem) => void seen.problems.push(problem.reason),
  });
  return seen;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(5);
  if (!condition()) throw new Error(`waited in vain for: ${what}`);
}

describe.each(Object.keys(stores))("%s", (kind) => {
  const make = (initial: readonly KubeObject[]): Store => {
    const create = stores[kind];
    if (create === undefined) throw new Error(kind);
    const store = create(initial);
    open.push(store);
    return store;
  };

  test("everything that is there is told before it says synced, once", async () => {
    const seen = follow(make([service("x"), service("y")]).source());
    await until("synced", () => seen.synced > 0);
    expect([...seen.live.keys()].sort()).toEqual(["/Service/a/x", "/Service/a/y"]);
    expect(seen.events).toBe(2);
    await Bun.sleep(60);
    expect(seen.synced).toBe(1);
    expect(seen.events).toBe(2);
  });

  test("an empty store is synced too", async () => {
    const seen = follow(make([]).source());
    await until("synced", () => seen.synced === 1);
    expect(seen.events).toBe(0);
  });

  test("new, changed and deleted objects are told", async () => {
    const store = make([service("x")]);
    const seen = follow(store.source());
    await until("synced", () => seen.synced === 1);
    store.put(service("y"));
    await until("y", () => seen.live.has("/Service/a/y"));
    store.put(service("x", 81));
    await until("x changed", () => JSON.stringify(seen.live.get("/Service/a/x")?.["spec"]).includes("81"));
    store.remove(service("y"));
    await until("y gone", () => !seen.live.has("/Service/a/y"));
    expect(seen.events).toBe(4);
  });

  test("nothing is told after close, and closing twice is fine", async () => {
    const store = make([service("x")]);
    const source = store.source();
    const seen = follow(source);
    await until("synced", () => seen.synced === 1);
    source.close();
    source.close();
    store.put(service("y"));
    await Bun.sleep(80);
    expect(seen.events).toBe(1);
  });
});

test("mock: hello and world (it has no store, so only its start is checked)", () => {
  const seen = follow(createMockSource());
  expect(seen.synced).toBe(1);
  expect(seen.events).toBe(mockObjects().length);
  expect(seen.live.has("/Service/default/hello")).toBe(true);
});

test("several at once: each tells its own, and all of them together are one mesh", async () => {
  const kinds = Object.entries(stores).map(([name, create]) => {
    const store = create([service(`from-${name}`)]);
    open.push(store);
    return store.source();
  });
  const seen = [...kinds, createMockSource()].map(follow);
  await until("all in sync", () => seen.every(({ synced }) => synced === 1));
  const all = seen.flatMap(({ live }) => [...live.keys()]);
  expect(all).toEqual(
    expect.arrayContaining(["/Service/a/from-file", "/Service/a/from-kubernetes", "/Service/default/hello"]),
  );
  expect(new Set(all).size).toBe(all.length);
});

describe("kubernetes", () => {
  const policy: KubeObject = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "default", namespace: "a" },
    spec: {},
  };

  test("a CRD that appears later starts its watch", async () => {
    const server = startListWatchServer();
    const kube = kubeClientFor(server.access, {});
    const kinds = [
      {
        group: "security.istio.io",
        version: "v1",
        kind: "PeerAuthentication",
        resource: "peerauthentications",
        optional: true,
      },
    ];
    const seen = follow(createKubernetesSource({ kube, clock, discoveryMs: 20, kinds }));
    open.push(server);
    await until("synced", () => seen.synced === 1);
    server.serve("security.istio.io/v1", "peerauthentications");
    server.put(policy);
    await until("policy", () => seen.live.size === 1);
    expect(seen.synced).toBe(1);
  });
});

describe("file", () => {
  test("a file that becomes invalid keeps its last good objects and says so once", async () => {
    const path = mkdtempSync(join(tmpdir(), "file-source-"));
    open.push({ close: () => rmSync(path, { recursive: true }) });
    const file = join(path, "a.yaml");
    writeFileSync(file, `${JSON.stringify(service("x"))}\n---\n${JSON.stringify(service("y"))}`);
    const seen = follow(createFileSource({ path, clock, quietMs: 10, pollMs: 20 }));
    expect(seen.live.size).toBe(2);
    writeFileSync(file, "apiVersion: v1\nkind: [");
    await until("a problem", () => seen.problems.length > 0);
    await Bun.sleep(60);
    expect(seen.problems).toHaveLength(1);
    expect(seen.problems[0]).toMatch(/a\.yaml: document 1 is not valid YAML: .*; the last good content stays in force/);
    expect(seen.live.size).toBe(2);
    writeFileSync(file, JSON.stringify(service("x")));
    await until("y gone", () => seen.live.size === 1);
  });

  test("a missing folder is a problem, not a crash", () => {
    const seen = follow(createFileSource({ path: "/nonexistent/heddle", clock }));
    expect(seen.synced).toBe(1);
    expect(seen.problems[0]).toContain("/nonexistent/heddle cannot be read (ENOENT); create it or correct the path");
  });

  test("one object in two files: the first counts, the other is named", () => {
    const path = mkdtempSync(join(tmpdir(), "file-source-"));
    open.push({ close: () => rmSync(path, { recursive: true }) });
    writeFileSync(join(path, "a.yaml"), JSON.stringify(service("x", 1)));
    writeFileSync(join(path, "b.yaml"), JSON.stringify(service("x", 2)));
    const seen = follow(createFileSource({ path, clock }));
    expect(JSON.stringify(seen.live.get("/Service/a/x"))).toContain('"port":1');
    expect(seen.problems[0]).toContain("b.yaml: Service a/x is defined in");
  });
});
