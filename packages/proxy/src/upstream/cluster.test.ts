import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createLogger, createManualClock, createTimerWheel } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "../config/proto.ts";
import { decodeResource } from "../config/resources.ts";
import { createSecretStore } from "../tls/secret-store.ts";
import { createSecureContexts } from "../tls/secure-context.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel } from "../transport/kernel.ts";
import { createNetwork } from "../transport/network.ts";
import { createCluster } from "./cluster.ts";
import { createHost } from "./host.ts";

const decoded = decodeResource(typeUrls.cluster, toBinary(ClusterSchema, create(ClusterSchema, { name: "c" })));
if (!decoded.ok || decoded.value.kind !== "cluster") throw new Error("the cluster was not decoded");
const clock = createManualClock();
const cluster = createCluster(decoded.value.config, {
  network: createNetwork(createKernel(), createFlushQueue()),
  clock,
  wheel: createTimerWheel({}, 0),
  random: () => 0,
  contexts: createSecureContexts(createSecretStore(), () => 0),
  log: createLogger({ clock, level: "error", scope: "test", sink: () => undefined }),
  mark: undefined,
});

test("a pool is shared by requests that want the same of TLS, and by no others", () => {
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
