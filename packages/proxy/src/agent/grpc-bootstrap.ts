import type { NodeIdentity } from "./node-identity.ts";

/** Files that a gRPC library needs. */
export interface GrpcFiles {
  readonly bootstrap: string;
  readonly socket: string;
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly roots: string;
}

/** @param certificates Folder of the certificate files, `OUTPUT_CERTS`. */
export function grpcFiles(configFolder: string, certificates: string, bootstrap?: string): GrpcFiles {
  return {
    bootstrap: bootstrap ?? `${configFolder}/grpc-bootstrap.json`,
    socket: `${configFolder}/XDS`,
    certificateChain: `${certificates}/cert-chain.pem`,
    privateKey: `${certificates}/key.pem`,
    roots: `${certificates}/root-cert.pem`,
  };
}

/** What `GRPC_XDS_BOOTSTRAP` points to. Source: gRFCs A27, A29, A36; names of listeners are Istio's. */
export function grpcBootstrap(node: NodeIdentity, files: GrpcFiles): unknown {
  return {
    xds_servers: [
      { server_uri: `unix://${files.socket}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
    ],
    node: { id: node.id, cluster: node.cluster, metadata: { ...node.metadata, GENERATOR: "grpc" }, locality: {} },
    certificate_providers: {
      default: {
        plugin_name: "file_watcher",
        config: {
          certificate_file: files.certificateChain,
          private_key_file: files.privateKey,
          ca_certificate_file: files.roots,
          refresh_interval: "60s",
        },
      },
    },
    server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
  };
}
