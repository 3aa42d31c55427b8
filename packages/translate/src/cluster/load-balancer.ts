import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LoadBalancerSettings } from "@heddle/config";
import {
  Cluster_LbPolicy,
  type Cluster_SlowStartConfigSchema,
  type ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { protoDuration } from "../proto-duration.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;
type SlowStart = MessageInitShape<typeof Cluster_SlowStartConfigSchema>;

/** How a cluster chooses among its hosts. Default: the one with the fewer requests of two. `PASSTHROUGH` is decided by the caller. */
export function loadBalancer(settings: LoadBalancerSettings | undefined): Pick<ClusterInit, "lbPolicy" | "lbConfig"> {
  const hash = settings?.consistentHash;
  if (hash?.maglev !== undefined) {
    const size = hash.maglev.tableSize;
    return {
      lbPolicy: Cluster_LbPolicy.MAGLEV,
      lbConfig: { case: "maglevLbConfig", value: !size ? {} : { tableSize: BigInt(size) } },
    };
  }
  if (hash !== undefined) {
    const size = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? 1024;
    return {
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      lbConfig: { case: "ringHashLbConfig", value: { minimumRingSize: BigInt(size) } },
    };
  }
  const slowStart = slowStartOf(settings);
  const warm = slowStart === undefined ? {} : { slowStartConfig: slowStart };
  switch (settings?.simple) {
    case "ROUND_ROBIN":
      return {
        lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
        ...(slowStart === undefined ? {} : { lbConfig: { case: "roundRobinLbConfig", value: warm } }),
      };
    case "RANDOM":
      return { lbPolicy: Cluster_LbPolicy.RANDOM };
    default:
      return {
        lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
        ...(slowStart === undefined ? {} : { lbConfig: { case: "leastRequestLbConfig", value: warm } }),
      };
  }
}

function slowStartOf(settings: LoadBalancerSettings | undefined): SlowStart | undefined {
  const warmup = settings?.warmup;
  const window = warmup?.duration ?? settings?.warmupDurationSecs;
  if (window === undefined) return undefined;
  return {
    slowStartWindow: protoDuration(window),
    aggression: { defaultValue: warmup?.aggression ?? 1, runtimeKey: "heddle.warmup.aggression" },
    minWeightPercent: { value: warmup?.minimumPercent ?? 10 },
  };
}
