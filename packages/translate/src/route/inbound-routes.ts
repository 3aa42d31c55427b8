import type { MessageInitShape } from "@bufbuild/protobuf";
import type { InboundPort } from "@heddle/model";
import type { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { noTimeout } from "../proto-duration.ts";

/** Every request to a port goes to the application behind it. Names are Istio's. */
export function inboundRoutes(
  cluster: string,
  port: InboundPort | undefined,
): MessageInitShape<typeof RouteConfigurationSchema> {
  const operation = port === undefined ? ":*/*" : `${port.service.hostname}:${port.servicePort.number}/*`;
  return {
    name: cluster,
    validateClusters: false,
    virtualHosts: [
      {
        name: port === undefined ? "inbound|http|0" : `inbound|http|${port.servicePort.number}`,
        domains: ["*"],
        routes: [
          {
            name: "default",
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: {
              case: "route",
              value: {
                clusterSpecifier: { case: "cluster", value: cluster },
                timeout: noTimeout,
                maxStreamDuration: { maxStreamDuration: noTimeout, grpcTimeoutHeaderMax: noTimeout },
              },
            },
            decorator: { operation },
          },
        ],
      },
    ],
  };
}
