import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createLogger, createManualClock, createTimerWheel } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { Cluster_DiscoveryType, ClusterSchema } from "../config/proto.ts";
import { decodeResource } from "../config/resources.ts";
import { NO_RUNTIME } from "../runtime/runtime.ts";
import { createSecretStore } from "../tls/secret-store.ts";
import { createSecureContexts } from "../tls/secure-context.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel } from "../transport/kernel.ts";
import { createNetwork } from "../transport/network.ts";
import { createClusterCounters } from "./counters.ts";
import { createDnsWatch } from "./dns-watch.ts";

test("after failures a name is asked for again within the base interval, then within twice that, up to the longest", async () => {
  const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
  const fields = {
    name: "c",
    clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.STRICT_DNS },
    dnsRefreshRate: seconds(5),
    dnsFailureRefreshRate: { baseInterval: seconds(1), maxInterval: seconds(3) },
    loadAssignment: {
      clusterName: "c",
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: "endpoint" as const,
                value: {
                  address: {
                    address: {
                      case: "socketAddress" as const,
                      value: { address: "a.test", portSpecifier: { case: "portValue" as const, value: 1 } },
                    },
                  },
                },
              },
            },
          ],
        },
      ],
    },
  };
  const decoded = decodeResource(typeUrls.cluster, toBinary(ClusterSchema, create(ClusterSchema, fields)));
  if (!decoded.ok || decoded.value.kind !== "cluster") throw new Error("not decoded");
  const { config } = decoded.value;
  if (config.discovery.kind !== "strict-dns") throw new Error("no names");
  const clock = createManualClock();
  let fails = true;
  const asked: number[] = [];
  const watch = createDnsWatch(
    config,
    config.discovery,
    () => {
      asked.push(clock.monotonic());
      return fails ? Promise.reject(new Error("no such name")) : Promise.resolve(["10.0.0.1"]);
    },
    {
      network: createNetwork(createKernel(), createFlushQueue()),
      clock,
      wheel: createTimerWheel({}, 0),
      // The longest wait that chance can give.
      random: () => 0.999_999,
      contexts: createSecureContexts(createSecretStore(), () => 0),
      runtime: NO_RUNTIME,
      log: createLogger({ clock, level: "error", scope: "test", sink: () => undefined }),
      mark: undefined,
    },
    () => undefined,
    createClusterCounters(undefined),
  );
  const begin = clock.monotonic();
  watch.start();
  for (let i = 0; i < 190; i++) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    if (asked.length === 5) fails = false;
    clock.advance(100);
  }
  watch.close();
  // 1 s, 2 s, 3 s, 3 s after failures; then an answer, and 5 s.
  expect(asked.slice(0, 7).map((ms) => Math.round((ms - begin) / 1000))).toEqual([0, 1, 3, 6, 9, 12, 17]);
});
