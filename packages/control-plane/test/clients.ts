import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { createSigningRequest, generateKey, type PrivateKey } from "@heddle/identity";
import { createDeltaClient, type DiscoveryClient, type ResourceUpdate } from "@heddle/xds";
import { NodeSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { IstioCertificateRequestSchema, IstioCertificateResponseSchema } from "@heddle/xds-api/istio/v1/auth/ca";

const same = (bytes: Buffer): Buffer => bytes;

export interface Target {
  readonly port: number;
  /** Undefined: plaintext. */
  readonly roots?: string;
  readonly key?: string;
  readonly cert?: string;
  readonly token?: string;
}

function channel(target: Target): ChannelCredentials {
  if (target.roots === undefined) return credentials.createInsecure();
  const pair = target.key === undefined ? [null, null] : [Buffer.from(target.key), Buffer.from(target.cert ?? "")];
  return credentials.createSsl(Buffer.from(target.roots), ...(pair as [Buffer | null, Buffer | null]));
}

function metadataOf(target: Target): Metadata {
  const metadata = new Metadata();
  if (target.token !== undefined) metadata.set("authorization", `Bearer ${target.token}`);
  return metadata;
}

export interface CsrOutcome {
  readonly code: number;
  readonly details: string;
  readonly chain: readonly string[];
  readonly key: PrivateKey;
}

/** Asks the CA for a certificate. */
export async function requestCertificate(
  target: Target,
  names: { uris?: string[]; dns?: string[] },
  seconds = 3600,
): Promise<CsrOutcome> {
  const key = await generateKey();
  const request = create(IstioCertificateRequestSchema, {
    csr: createSigningRequest(key, names),
    validityDuration: BigInt(seconds),
  });
  const client = new Client(`localhost:${target.port}`, channel(target));
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/istio.v1.auth.IstioCertificateService/CreateCertificate",
      same,
      same,
      Buffer.from(toBinary(IstioCertificateRequestSchema, request)),
      metadataOf(target),
      { deadline: Date.now() + 5000 },
      (error: ServiceError | null, bytes?: Buffer) => {
        client.close();
        const chain = bytes === undefined ? [] : fromBinary(IstioCertificateResponseSchema, bytes).certChain;
        resolve({ code: error?.code ?? 0, details: error?.details ?? "", chain, key });
      },
    );
  });
}

export interface AdsClient {
  readonly updates: readonly ResourceUpdate[];
  readonly client: DiscoveryClient<DeltaDiscoveryResponse>;
  /** The stream's end: gRPC code and details. */
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  reject: (update: ResourceUpdate) => string | undefined;
  close(): void;
}

export interface AdsNode {
  readonly id: string;
  readonly metadata?: Record<string, string | Record<string, string>>;
}

/** A delta ADS client as our proxy is one. */
export function connectAds(target: Target, node: AdsNode): AdsClient {
  const channelClient = new Client(`localhost:${target.port}`, channel(target));
  const stream: ClientDuplexStream<Buffer, Buffer> = channelClient.makeBidiStreamRequest(
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    same,
    same,
    metadataOf(target),
  );
  const updates: ResourceUpdate[] = [];
  const ads: AdsClient = {
    updates,
    reject: () => undefined,
    client: createDeltaClient({
      node: create(NodeSchema, { id: node.id, metadata: { ...node.metadata } }),
      send: (request) => void stream.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request))),
      onUpdate: (update) => {
        updates.push(update);
        return ads.reject(update);
      },
    }),
    ended: new Promise((resolve) => {
      stream.on("status", (status) => resolve({ code: status.code, details: status.details }));
    }),
    close: () => {
      stream.cancel();
      channelClient.close();
    },
  };
  stream.on("error", () => {});
  stream.on("data", (bytes: Buffer) => ads.client.receive(fromBinary(DeltaDiscoveryResponseSchema, bytes)));
  ads.client.streamOpened();
  return ads;
}

export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await Bun.sleep(20);
  }
}
