import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createLogger, createManualClock, createTimerWheel, type ManualClock } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import type { LoadAssignmentConfig } from "../config/endpoints.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../config/proto.ts";
import { decodeResource } from "../config/resources.ts";
import { NO_RUNTIME } from "../runtime/runtime.ts";
import { createSecretStore } from "../tls/secret-store.ts";
import { createSecureContexts } from "../tls/secure-context.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel } from "../transport/kernel.ts";
import { createNetwork } from "../transport/network.ts";
import { createClusterCounters } from "./counters.ts";
import { createDnsWatch, type DnsWatch } from "./dns-watch.ts";

interface Answered {
  readonly clock: ManualClock;
  readonly asked: readonly number[];
  readonly found: readonly LoadAssignmentConfig[];
  readonly watch: DnsWatch;
}

/** A watch of the name `a.test`; `answer` gives its addresses, or nothing where it fails. */
function watchName(type: Cluster_DiscoveryType, answer: () => readonly string[] | undefined): Answered {
  const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
  const address = {
    case: "socketAddress" as const,
    value: { address: "a.test", portSpecifier: { case: "portValue" as const, value: 1 } },
  };
  const endpoint = { hostIdentifier: { case: "endpoint" as const, value: { address: { address } } } };
  const fields = {
    name: "c",
    clusterDiscoveryType: { case: "type" as const, value: type },
    dnsRefreshRate: seconds(5),
    dnsFailureRefreshRate: { baseInterval: seconds(1), maxInterval: seconds(3) },
    loadAssignment: { clusterName: "c", endpoints: [{ lbEndpoints: [endpoint] }] },
  };
  const decoded = decodeResource(typeUrls.cluster, toBinary(ClusterSchema, create(ClusterSchema, fields)));
  if (!decoded.ok || decoded.value.kind !== "cluster") throw new Error("not decoded");
  const { config } = decoded.value;
  if (config.discovery.kind !== "strict-dns" && config.discovery.kind !== "logical-dns") throw new Error("no names");
  const clock = createManualClock();
  const begin = clock.monotonic();
  const asked: number[] = [];
  const found: LoadAssignmentConfig[] = [];
  const around = {
    network: createNetwork(createKernel(), createFlushQueue()),
    clock,
    wheel: createTimerWheel({}, 0),
    // The longest wait that chance can give.
    random: () => 0.999_999,
    contexts: createSecureContexts(createSecretStore(), () => 0),
    runtime: NO_RUNTIME,
    log: createLogger({ clock, level: "error", scope: "test", sink: () => undefined }),
    mark: undefined,
  };
  const resolve = () => {
    asked.push(Math.round((clock.monotonic() - begin) / 1000));
    const addresses = answer();
    return addresses === undefined ? Promise.reject(new Error("no such name")) : Promise.resolve(addresses);
  };
  const watch = createDnsWatch(
    config,
    config.discovery,
    resolve,
    around,
    (assignment) => void found.push(assignment),
    createClusterCounters(undefined),
  );
  watch.start();
  return { clock, asked, found, watch };
}

async function pass({ clock }: Answered, tenths: number): Promise<void> {
  for (let i = 0; i < tenths; i++) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    clock.advance(100);
  }
}

test("the addresses of a LOGICAL_DNS name are those of one server, of a STRICT_DNS name a server each", async () => {
  for (const [type, wanted] of [
    [Cluster_DiscoveryType.LOGICAL_DNS, [["10.0.0.1", "10.0.0.2", "::3"]]],
    [Cluster_DiscoveryType.STRICT_DNS, [["10.0.0.1"], ["10.0.0.2"], ["::3"]]],
  ] as const) {
    const name = watchName(type, () => ["10.0.0.1", "10.0.0.2", "::3"]);
    await pass(name, 1);
    name.watch.close();
    const servers = name.found[0]?.localities[0]?.endpoints.map(({ address, others }) => [
      address.kind === "tcp" ? address.address.ip : "",
      ...others.map(({ ip, port }) => `${ip}${port === 1 ? "" : `:${port}`}`),
    ]);
    expect(servers as unknown).toEqual(wanted as unknown);
  }
});

test("after failures a name is asked for again within the base interval, then within twice that, up to the longest", async () => {
  let times = 0;
  const name = watchName(Cluster_DiscoveryType.STRICT_DNS, () => (++times > 5 ? ["10.0.0.1"] : undefined));
  await pass(name, 190);
  name.watch.close();
  // 1 s, 2 s, 3 s, 3 s, 3 s after failures; then an answer, and 5 s.
  expect(name.asked.slice(0, 7)).toEqual([0, 1, 3, 6, 9, 12, 17]);
});
