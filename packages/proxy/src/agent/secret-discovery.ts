import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServiceDefinition } from "@grpc/grpc-js";
import type { Logger } from "@heddle/std";
import { packAny, typeUrls } from "@heddle/xds-api";
import { DataSourceSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  CertificateValidationContextSchema,
  TlsCertificateSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import type { SocketService } from "./envoy-socket.ts";
import type { WorkloadCertificate, WorkloadSecret } from "./workload-certificate.ts";

/** Names under which Istio's configuration asks for the workload's certificate and for the roots. */
const CERTIFICATE_NAME = "default";
const ROOTS_NAME = "ROOTCA";

type Stream = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

const definition: ServiceDefinition = {
  StreamSecrets: {
    path: "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
    requestStream: true,
    responseStream: true,
    requestSerialize: (m: DiscoveryRequest) => Buffer.from(toBinary(DiscoveryRequestSchema, m)),
    requestDeserialize: (b: Buffer) => fromBinary(DiscoveryRequestSchema, b),
    responseSerialize: (m: DiscoveryResponse) => Buffer.from(toBinary(DiscoveryResponseSchema, m)),
    responseDeserialize: (b: Buffer) => fromBinary(DiscoveryResponseSchema, b),
  },
};

const inline = (text: string) => create(DataSourceSchema, { specifier: { case: "inlineString", value: text } });

/** One named secret as xDS carries it; undefined for names that this agent does not serve. */
export function secretResource(name: string, secret: WorkloadSecret) {
  if (name === CERTIFICATE_NAME) {
    const value = create(TlsCertificateSchema, {
      certificateChain: inline(secret.chain),
      privateKey: inline(secret.key),
    });
    return create(SecretSchema, { name, type: { case: "tlsCertificate", value } });
  }
  if (name !== ROOTS_NAME) return undefined;
  const value = create(CertificateValidationContextSchema, { trustedCa: inline(secret.roots) });
  return create(SecretSchema, { name, type: { case: "validationContext", value } });
}

/** Serves the workload's secrets to Envoy and pushes each renewal; the key never touches a disk. */
export function secretService(certificate: WorkloadCertificate, log: Logger): SocketService {
  const subscriptions = new Map<Stream, readonly string[]>();
  let version = 0;
  const push = (stream: Stream, names: readonly string[], secret: WorkloadSecret) => {
    const resources = names.flatMap((name) => {
      const resource = secretResource(name, secret);
      return resource ? [packAny(SecretSchema, resource)] : [];
    });
    stream.write(
      create(DiscoveryResponseSchema, {
        typeUrl: typeUrls.secret,
        versionInfo: String(version),
        nonce: String(version),
        resources,
      }),
    );
  };
  certificate.onSecret((secret) => {
    version++;
    for (const [stream, names] of subscriptions) push(stream, names, secret);
  });
  const StreamSecrets = (stream: Stream) => {
    stream.on("data", (request: DiscoveryRequest) => {
      if (request.errorDetail) log.warn("Envoy refused a certificate", { reason: request.errorDetail.message });
      const known = subscriptions.get(stream) ?? [];
      const fresh = request.resourceNames.filter((name) => !known.includes(name));
      subscriptions.set(stream, request.resourceNames);
      if (fresh.length > 0 && certificate.current) push(stream, request.resourceNames, certificate.current);
    });
    const forget = () => void subscriptions.delete(stream);
    stream.on("end", () => {
      forget();
      stream.end();
    });
    stream.on("error", forget);
    stream.on("cancelled", forget);
  };
  return { definition, handlers: { StreamSecrets } };
}
