import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MeshConfig, OutlierDetectionSettings } from "@heddle/config";
import { localitySetting } from "@heddle/model";
import type { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { protoDuration } from "../proto-duration.ts";
import type { ClusterPolicy } from "./effective-policy.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** Ejection of hosts that fail, and weights of localities where they are to be shared out. */
export function commonBalancing(
  policy: ClusterPolicy,
  mesh: MeshConfig,
): Pick<ClusterInit, "outlierDetection" | "commonLbConfig"> {
  const ejection = outlierDetection(policy.outlierDetection);
  const shares = (localitySetting(policy, mesh)?.distribute.length ?? 0) > 0;
  if (!shares) return ejection;
  const { commonLbConfig = {} } = ejection;
  return {
    ...ejection,
    commonLbConfig: {
      ...commonLbConfig,
      localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} },
    } as NonNullable<ClusterInit["commonLbConfig"]>,
  };
}

/** Ejection of hosts that fail. Success-rate ejection stays off; a count of zero switches its detector off. Source: Istio. */
function outlierDetection(
  settings: OutlierDetectionSettings | undefined,
): Pick<ClusterInit, "outlierDetection" | "commonLbConfig"> {
  if (settings === undefined) return {};
  const server = settings.consecutive5xxErrors ?? settings.consecutiveErrors;
  const gateway = settings.consecutiveGatewayErrors;
  const local = settings.consecutiveLocalOriginFailures;
  return {
    outlierDetection: {
      enforcingSuccessRate: 0,
      ...(server === undefined ? {} : { consecutive5xx: server, enforcingConsecutive5xx: server > 0 ? 100 : 0 }),
      ...(gateway === undefined
        ? {}
        : { consecutiveGatewayFailure: gateway, enforcingConsecutiveGatewayFailure: gateway > 0 ? 100 : 0 }),
      ...(settings.interval === undefined ? {} : { interval: protoDuration(settings.interval) }),
      ...(settings.baseEjectionTime === undefined
        ? {}
        : { baseEjectionTime: protoDuration(settings.baseEjectionTime) }),
      ...(settings.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: settings.maxEjectionPercent }),
      ...(settings.splitExternalLocalOriginErrors
        ? {
            splitExternalLocalOriginErrors: true,
            ...(local === undefined
              ? {}
              : { consecutiveLocalOriginFailure: local, enforcingConsecutiveLocalOriginFailure: local > 0 ? 100 : 0 }),
          }
        : {}),
    },
    // Istio switches the panic mode off unless a share of healthy hosts is asked for.
    commonLbConfig: { healthyPanicThreshold: { value: settings.minHealthPercent ?? 0 } },
  };
}
