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

const measured =
  <Request>(decode: (bytes: Buffer) => Request, onRequest: (bytes: number) => void) =>
  (bytes: Buffer): Request => {
    onRequest(bytes.length);
    return decode(bytes);
  };

/** Envoy's aggregated discovery service, both dialects. @param onRequest Hears the size of each request. */
export const discoveryService = (onRequest: (bytes: number) => void) => ({
  streamAggregatedResources: {
    path: `${discovery}/StreamAggregatedResources`,
    ...stream,
    requestSerialize: encode(DiscoveryRequestSchema),
    requestDeserialize: measured(decode(DiscoveryRequestSchema), onRequest),
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } satisfies MethodDefinition<DiscoveryRequest, Buffer>,
  deltaAggregatedResources: {
    path: `${discovery}/DeltaAggregatedResources`,
    ...stream,
    requestSerialize: encode(DeltaDiscoveryRequestSchema),
    requestDeserialize: measured(decodeDeltaRequest, onRequest),
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } satisfies MethodDefinition<DeltaDiscoveryRequest, Buffer>,
});

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
