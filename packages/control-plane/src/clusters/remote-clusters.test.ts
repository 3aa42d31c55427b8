import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { KubeObject, WatchHandlers } from "@heddle/kube-client";
import { createLogger, createSystemClock } from "@heddle/std";
import { createRemoteClusters, type RemoteClusters } from "./remote-clusters.ts";

const servers: Bun.Server<undefined>[] = [];
let clusters: RemoteClusters | undefined;
afterEach(() => clusters?.close());
afterAll(() => Promise.all(servers.map((server) => server.stop(true))));

/** An API server; watches stay open and tell nothing. */
function apiServer(answer: (path: string, url: URL) => Response | Promise<Response>): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: (request) => handle(request) });
  const handle = (request: Request) => {
    const url = new URL(request.url);
    if (url.searchParams.get("watch") === "true") return new Response(new ReadableStream({}));
    return answer(url.pathname, url);
  };
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

/** A cluster with one Service; `uid` is what its `kube-system` is known by. */
const healthy = (uid: string) =>
  apiServer((path) => {
    const items: Record<string, object[]> = {
      "/api/v1/namespaces": [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system", uid } }],
      "/api/v1/services": [
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "web", namespace: "shop" },
          spec: { ports: [{ port: 80 }] },
        },
      ],
    };
    return Response.json({
      kind: "List",
      apiVersion: "v1",
      metadata: { resourceVersion: "1" },
      items: items[path] ?? [],
    });
  });
const silent = () => apiServer(() => new Promise<never>(() => undefined));
const stuck = () => apiServer(() => new Response(new ReadableStream({ start: (body) => body.enqueue("{") })));
/** Answers once `gate` opens. */
const slow = (gate: Promise<void>) => {
  const behind = healthy("slow");
  return apiServer(async (path, url) => {
    await gate;
    return fetch(`${behind}${path}${url.search}`);
  });
};
const revoked = () =>
  apiServer(() => Response.json({ kind: "Status", code: 401, message: "Unauthorized" }, { status: 401 }));

function secret(name: string, cluster: string, server: string, created = "2026-01-01T00:00:00Z"): KubeObject {
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  const metadata = { name, namespace: "istio-system", creationTimestamp: created };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    data: { [cluster]: Buffer.from(kubeconfig).toString("base64") },
  };
}

function start(secrets: readonly KubeObject[]) {
  const clock = createSystemClock();
  let handlers: WatchHandlers | undefined;
  const timeouts: string[] = [];
  clusters = createRemoteClusters({
    kube: {
      watch: (_type, given) => {
        handlers = given;
        return { close: () => undefined };
      },
    },
    clock,
    random: () => 0.5,
    log: createLogger({ clock, sink: () => undefined }),
    userAgent: "test",
    namespace: "istio-system",
    clusterId: "own",
    domain: "cluster.local",
    debounceAfterMs: 1,
    debounceMaxMs: 10,
    timeoutMs: 300,
    probeMs: 100,
    onUpdate: () => undefined,
    onTimeout: (id) => void timeouts.push(id),
  });
  clusters.useOwnUid("own-uid");
  clusters.start();
  for (const object of secrets) handlers?.onEvent({ type: "ADDED", object });
  handlers?.onSync?.();
  return { clusters, timeouts };
}

async function eventually(look: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!look() && performance.now() < deadline) await Bun.sleep(10);
  expect(look()).toBe(true);
}

setDefaultTimeout(30_000);

test("clusters that are silent, stuck, slow or refuse us hold up and empty nobody", async () => {
  const gate = Promise.withResolvers<void>();
  const { clusters: all, timeouts } = start([
    secret("a", "good", healthy("good")),
    secret("b", "silent", silent()),
    secret("c", "stuck", stuck()),
    secret("d", "revoked", revoked()),
    secret("e", "slow", slow(gate.promise)),
  ]);
  const served = () => all.registries.map(({ clusterId }) => clusterId);
  await eventually(() => all.statuses.some(({ id, status }) => id === "good" && status === "synced"));
  expect(served()).toEqual(["good"]);
  // The first configuration waits for those that may still answer, and no longer than the time that is given.
  await all.settled(50);
  await eventually(() => ["silent", "stuck", "revoked", "slow"].every((id) => timeouts.includes(id)));
  const told = (id: string) => {
    const found = all.statuses.find((one) => one.id === id);
    return `${found?.status}: ${found?.reason}`;
  };
  expect(told("good")).toBe("synced: ");
  for (const id of ["silent", "stuck", "slow"])
    expect(told(id)).toMatch(/^timeout: never in sync since .*did not give a first listing within 0.3 s/);
  await eventually(() => /^timeout: never in sync since .*did not accept the credentials/.test(told("revoked")));
  gate.resolve();
  await eventually(() => served().includes("slow"));
  expect(served()).toEqual(["good", "slow"]);
  expect(all.registries[0]?.state.services.size).toBe(1);
});

test("one name in two Secrets: the older stays; two names for one cluster, or the own one: refused with a sentence", async () => {
  const server = healthy("west");
  const { clusters: all } = start([
    secret("newer", "west", healthy("other"), "2026-02-01T00:00:00Z"),
    secret("older", "west", server),
    secret("second", "zest", server),
    secret("home", "own", healthy("own-uid")),
    secret("back", "mirror", healthy("own-uid")),
  ]);
  await eventually(() => all.statuses.filter(({ status }) => status === "synced" || status === "refused").length === 5);
  expect(all.registries.map(({ clusterId }) => clusterId)).toEqual(["west"]);
  const told = all.statuses.map(({ id, secret: from, status, reason }) => `${id} ${from} ${status} ${reason}`).sort();
  expect(told[0]).toMatch(/^mirror istio-system\/back refused .*leads to cluster own, where this control plane runs/);
  expect(told[1]).toMatch(/^own istio-system\/home refused cluster own is the name of this cluster itself/);
  expect(told[2]).toMatch(
    /^west istio-system\/newer refused .*described by the older Secret istio-system\/older already/,
  );
  expect(told[3]).toStartWith("west istio-system/older synced");
  expect(told[4]).toMatch(
    /^zest istio-system\/second refused .*leads to cluster west: one cluster can't have two names/,
  );
});

test("a line that is cut under quiet watches is told, and its end", async () => {
  const quiet = { line: Promise.resolve() };
  const behind = healthy("west");
  const { clusters: all } = start([
    secret(
      "a",
      "west",
      apiServer(async (path, url) => quiet.line.then(() => fetch(`${behind}${path}${url.search}`))),
    ),
  ]);
  const told = () => `${all.statuses[0]?.status}: ${all.statuses[0]?.reason}`;
  await eventually(() => told() === "synced: ");
  const mended = Promise.withResolvers<void>();
  quiet.line = mended.promise;
  await eventually(() => /^failing: .*its last known endpoints stay in force$/.test(told()));
  expect(all.registries.length).toBe(1);
  mended.resolve();
  await eventually(() => told() === "synced: ");
});
