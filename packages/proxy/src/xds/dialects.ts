import { create } from "@bufbuild/protobuf";
import { createDeltaClient, createSotwClient, type DeltaClientOptions, type DiscoveryClient } from "@heddle/xds";
import { readMessage, writeMessage } from "@heddle/xds-api";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import type { IncomingResource } from "../resources.ts";

type ClientOptions<Request> = Pick<DeltaClientOptions, "node" | "onUpdate"> & { send(request: Request): void };

/** What the messages of discovery's two dialects have in common. */
export interface StreamDialect<Request, Response> {
  createClient(options: ClientOptions<Request>): DiscoveryClient<Response>;
  write(request: Request): Uint8Array;
  /** Errors: throws on bytes that are no response. */
  read(bytes: Uint8Array): Response;
  /** With the very bytes that the update will bring: what is prepared is known by them. */
  resourcesOf(response: Response): readonly IncomingResource[];
  /** A request that asks for nothing. */
  report(typeUrl: string, problem: string | undefined): Request;
}

const NO_BYTES = new Uint8Array(0);

/** 13: INTERNAL. */
const failure = (problem: string | undefined) =>
  problem === undefined ? {} : { errorDetail: { code: 13, message: problem } };

export const DELTA: StreamDialect<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  createClient: createDeltaClient,
  write: (request) => writeMessage(DeltaDiscoveryRequestSchema, request),
  read: (bytes) => readMessage(DeltaDiscoveryResponseSchema, bytes),
  resourcesOf: ({ resources }) =>
    resources.map(({ name, version, resource }) => ({ name, version, bytes: resource?.value ?? NO_BYTES })),
  report: (typeUrl, problem) => create(DeltaDiscoveryRequestSchema, { typeUrl, ...failure(problem) }),
};

export const SOTW: StreamDialect<DiscoveryRequest, DiscoveryResponse> = {
  createClient: createSotwClient,
  write: (request) => writeMessage(DiscoveryRequestSchema, request),
  read: (bytes) => readMessage(DiscoveryResponseSchema, bytes),
  resourcesOf: ({ resources, versionInfo }) =>
    resources.map(({ value }) => ({ name: "", version: versionInfo, bytes: value })),
  report: (typeUrl, problem) => create(DiscoveryRequestSchema, { typeUrl, ...failure(problem) }),
};
