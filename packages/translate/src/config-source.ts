import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from "@heddle/xds-api/envoy/config/core/v3/config_source";
import { noTimeout } from "./proto-duration.ts";

/**
 * Over the stream that delivered the resource, for Secrets that may not exist or that the account may not read: Envoy waits 15 s (its
 * default), not for ever, and takes no other cluster or listener meanwhile. Source: Istio does the same.
 */
export const credentialsFromAds: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: "ads", value: {} },
  resourceApiVersion: ApiVersion.V3,
};

/** Over the stream that delivered the resource, waiting for as long as it takes. */
export const fromAds: MessageInitShape<typeof ConfigSourceSchema> = {
  ...credentialsFromAds,
  initialFetchTimeout: noTimeout,
};

/** From the agent in the pod, over the cluster `sds-grpc` of the bootstrap. Source: Istio's sidecar bootstrap. */
export const fromAgent: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: {
    case: "apiConfigSource",
    value: {
      apiType: ApiConfigSource_ApiType.GRPC,
      transportApiVersion: ApiVersion.V3,
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: "sds-grpc" } } }],
    },
  },
  initialFetchTimeout: noTimeout,
  resourceApiVersion: ApiVersion.V3,
};
