import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import {
  type IstioCertificateRequest,
  IstioCertificateRequestSchema,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
} from "@heddle/xds-api/istio/v1/auth/ca";
import { decodeDeltaRequest } from "./delta-request.ts";

const decode =
  <D extends DescMessage>(schema: D) =>
  (bytes: Buffer): MessageShape<D> =>
    fromBinary(schema, bytes);
const encode =
  <D extends DescMessage>(schema: D) =>
  (message: MessageShape<D>): Buffer => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
/** Responses of discovery are bytes when they get here. */
const bytes = (buffer: Buffer): Buffer => buffer;

const stream = { requestStream: true, responseStream: true } as const;
const discovery = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

/** Envoy's aggregated discovery service, both dialects. */
export const discoveryService = {
  streamAggregatedResources: {
    path: `${discovery}/StreamAggregatedResources`,
    ...stream,
    requestSerialize: encode(DiscoveryRequestSchema),
    requestDeserialize: decode(DiscoveryRequestSchema),
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } satisfies MethodDefinition<DiscoveryRequest, Buffer>,
  deltaAggregatedResources: {
    path: `${discovery}/DeltaAggregatedResources`,
    ...stream,
    requestSerialize: encode(DeltaDiscoveryRequestSchema),
    requestDeserialize: decodeDeltaRequest,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } satisfies MethodDefinition<DeltaDiscoveryRequest, Buffer>,
};

/** Istio's CA. */
export const certificateService = {
  createCertificate: {
    path: "/istio.v1.auth.IstioCertificateService/CreateCertificate",
    requestStream: false,
    responseStream: false,
    requestSerialize: encode(IstioCertificateRequestSchema),
    requestDeserialize: decode(IstioCertificateRequestSchema),
    responseSerialize: encode(IstioCertificateResponseSchema),
    responseDeserialize: decode(IstioCertificateResponseSchema),
  } satisfies MethodDefinition<IstioCertificateRequest, IstioCertificateResponse>,
};
