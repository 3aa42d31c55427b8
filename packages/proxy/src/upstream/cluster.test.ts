import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createLogger, createManualClock, createTimerWheel } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "../config/proto.ts";
import { decodeResource } from "../config/resources.ts";
import { NO_RUNTIME } from "../runtime/runtime.ts";
import { createSecretStore } from "../tls/secret-store.ts";
import { createSecureContexts } from "../tls/secure-context.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel } from "../transport/kernel.ts";
import { createNetwork } from "../transport/network.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { createHost } from "./host.ts";

function clusterOf(fields: MessageInitShape<typeof ClusterSchema>): Cluster {
  const decoded = decodeResource(typeUrls.cluster, toBinary(ClusterSchema, create(ClusterSchema, fields)));
  if (!decoded.ok || decoded.value.kind !== "cluster") throw new Error("the cluster was not decoded");
  const clock = createManualClock();
  return createCluster(decoded.value.config, {
    network: createNetwork(createKernel(), createFlushQueue()),
    clock,
    wheel: createTimerWheel({}, 0),
    random: () => 0,
    runtime: NO_RUNTIME,
    contexts: createSecureContexts(createSecretStore(), () => 0),
    log: createLogger({ clock, level: "error", scope: "test", sink: () => undefined }),
    mark: undefined,
  });
}

test("a pool is shared by requests that want the same of TLS, and by no others", () => {
  const cluster = clusterOf({ name: "c" });
  const host = createHost({ ip: "10.0.0.1", port: 1 }, 0, undefined);
  const mesh = ["istio", "h2"];
  const pool = (alpn: readonly string[] | undefined, name?: string) => cluster.pool(host, true, alpn, undefined, name);
  const named = pool(mesh, "a.example");
  expect(pool(mesh, "a.example")).toBe(named);
  expect(pool(mesh, "b.example")).not.toBe(named);
  expect(pool(undefined, "a.example")).not.toBe(named);
  expect(pool(mesh)).not.toBe(named);
  expect(pool(mesh)).toBe(pool(mesh));
});

test("updates of a listener, which bring new lists of the same protocols, leave no pools behind", () => {
  const cluster = clusterOf({ name: "c" });
  const host = createHost({ ip: "10.0.0.1", port: 1 }, 0, undefined);
  const first = cluster.pool(host, true, ["istio", "h2"]);
  const other = cluster.pool(host, true, ["istio"]);
  for (let update = 0; update < 100; update++) {
    expect(cluster.pool(host, true, ["istio", "h2"])).toBe(first);
    expect(cluster.pool(host, true, ["istio"])).toBe(other);
  }
  expect(cluster.pool(host, true, ["h2", "istio"])).not.toBe(first);
  expect(host.pools).toHaveLength(3);
});

const endpoint = (portValue: number) => {
  const address = {
    case: "socketAddress" as const,
    value: { address: "10.0.0.1", portSpecifier: { case: "portValue" as const, value: portValue } },
  };
  return { hostIdentifier: { case: "endpoint" as const, value: { address: { address } } } };
};
const twoPriorities = {
  clusterName: "c",
  endpoints: [0, 1].map((priority) => ({ priority, lbEndpoints: [endpoint(priority + 1)] })),
};

test("a retry that leaves a priority out stays out of it, whatever was tried", () => {
  const cluster = clusterOf({ name: "c", loadAssignment: twoPriorities });
  const [, second] = cluster.hosts;
  if (second === undefined) throw new Error("no host");
  expect(cluster.pick(undefined, [second], 2, undefined, new Set([0]))).toBe(second);
  expect(cluster.pick(undefined, [second], 2)).not.toBe(second);
});

test("a host that was chosen ahead serves no retry that leaves its priority out", () => {
  const cluster = clusterOf({
    name: "c",
    loadAssignment: twoPriorities,
    preconnectPolicy: { predictivePreconnectRatio: 3 },
  });
  const choose = () =>
    cluster.preconnect?.((host) => {
      const pool = cluster.pool(host, false, undefined);
      pool.drain();
      return pool;
    });
  choose();
  expect(cluster.pick(undefined, [], 1)?.priority).toBe(0);
  choose();
  expect(cluster.pick(undefined, [], 1, undefined, new Set([0]))?.priority).toBe(1);
});
