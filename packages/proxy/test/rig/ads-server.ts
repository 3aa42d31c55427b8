import { create, fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import type { Json } from "./bootstrap.ts";

/** The whole configuration that a control plane gives. */
export interface Configuration {
  readonly clusters: readonly Json[];
  readonly listeners: readonly Json[];
}

/** A control plane of a few lines, over delta ADS, that can be killed and started again on its port. */
export interface AdsServer {
  /** Sends everything; what is no longer there is removed. */
  push(next: Configuration): void;
  /** Reasons of refused pushes. */
  readonly refusals: readonly string[];
  readonly acknowledged: () => number;
  readonly streams: () => number;
  kill(): void;
}

type Stream = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

export async function startAdsServer(port: number, first: Configuration): Promise<AdsServer> {
  const registry = await loadTypeRegistry();
  const server = new Server();
  const streams = new Map<Stream, Set<string>>();
  const refusals: string[] = [];
  let current = first;
  let acknowledged = 0;
  let nonce = 0;
  const bytesOf = (typeUrl: string, json: Json): Uint8Array =>
    typeUrl === typeUrls.cluster
      ? toBinary(ClusterSchema, fromJson(ClusterSchema, json as JsonValue, { registry }))
      : toBinary(ListenerSchema, fromJson(ListenerSchema, json as JsonValue, { registry }));
  const resourcesOf = (typeUrl: string, all: Configuration): readonly Json[] =>
    typeUrl === typeUrls.cluster ? all.clusters : typeUrl === typeUrls.listener ? all.listeners : [];
  const send = (stream: Stream, typeUrl: string, removed: readonly string[]) => {
    nonce++;
    const resources = resourcesOf(typeUrl, current).map((json) => ({
      name: String(json["name"]),
      version: String(nonce),
      resource: create(AnySchema, { typeUrl, value: bytesOf(typeUrl, json) }),
    }));
    stream.write(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl,
        nonce: String(nonce),
        systemVersionInfo: String(nonce),
        resources,
        removedResources: [...removed],
      }),
    );
  };
  server.addService(
    {
      Delta: {
        path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
        requestStream: true,
        responseStream: true,
        requestSerialize: (m: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, m)),
        requestDeserialize: (b: Buffer) => fromBinary(DeltaDiscoveryRequestSchema, b),
        responseSerialize: (m: DeltaDiscoveryResponse) => Buffer.from(toBinary(DeltaDiscoveryResponseSchema, m)),
        responseDeserialize: (b: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, b),
      },
    },
    {
      Delta: (stream: Stream) => {
        const asked = new Set<string>();
        streams.set(stream, asked);
        stream.on("data", (request: DeltaDiscoveryRequest) => {
          if (request.errorDetail !== undefined) refusals.push(request.errorDetail.message);
          else if (request.responseNonce !== "") acknowledged++;
          if (asked.has(request.typeUrl)) return;
          asked.add(request.typeUrl);
          send(stream, request.typeUrl, []);
        });
        stream.on("error", () => undefined);
        stream.on("close", () => streams.delete(stream));
        stream.on("end", () => stream.end());
      },
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    push: (next) => {
      const before = current;
      current = next;
      for (const [stream, asked] of streams) {
        for (const typeUrl of [typeUrls.cluster, typeUrls.listener]) {
          if (!asked.has(typeUrl)) continue;
          const names = new Set(resourcesOf(typeUrl, next).map((r) => r["name"]));
          const gone = resourcesOf(typeUrl, before).flatMap((r) => (names.has(r["name"]) ? [] : [String(r["name"])]));
          send(stream, typeUrl, gone);
        }
      }
    },
    refusals,
    acknowledged: () => acknowledged,
    streams: () => streams.size,
    kill: () => server.forceShutdown(),
  };
}

/** A bootstrap that takes everything from that control plane. */
export function dynamicBootstrap(adsPort: number): Json {
  return {
    node: { id: "sidecar~127.0.0.1~a.test~test.svc.cluster.local", cluster: "a.test" },
    dynamic_resources: {
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
      },
      cds_config: { ads: {}, resource_api_version: "V3" },
      lds_config: { ads: {}, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "xds",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "xds",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: adsPort } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
