// Hot path: one per request.
import type { JsonValue } from "@bufbuild/protobuf";
import type { RequestHead, ResponseHead } from "@heddle/wire";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import type { ActiveSpan } from "../telemetry/tracing/span.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";
import type { GrpcMessages } from "./grpc-messages.ts";

/** What telemetry may know of an exchange; complete when it is over. Heads are valid only while it lasts. */
export interface ExchangeRecord {
  readonly connection: ConnectionInfo;
  readonly request: RequestHead;
  /** The head that the client got; undefined before. */
  readonly response: ResponseHead | undefined;
  readonly route: CompiledRoute | undefined;
  readonly cluster: Cluster | undefined;
  readonly clusterName: string;
  readonly host: Host | undefined;
  readonly upstreamLocal: string;
  readonly upstreamSecure: boolean;
  readonly upstreamPrincipal: string;
  /** Status that the client got; 0 when none. */
  readonly status: number;
  /** -1: not gRPC, or none was sent. */
  readonly grpcStatus: number;
  readonly grpc: boolean;
  /** Messages of a gRPC request and of its response; undefined: not gRPC. */
  readonly requestMessages: Pick<GrpcMessages, "count"> | undefined;
  readonly responseMessages: Pick<GrpcMessages, "count"> | undefined;
  /** Short Envoy flags, comma-separated; "-" for none. */
  readonly flags: string;
  readonly details: string;
  readonly transportFailure: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly attempts: number;
  /** Units: ms of the monotonic clock; -1: not reached. */
  readonly startMs: number;
  readonly endMs: number;
  readonly requestEndMs: number;
  readonly firstByteMs: number;
  /** Wall clock. Units: ms since 1970. */
  readonly startTime: number;
  /** Path before rewriting. */
  readonly originalPath: string;
  /** Peer's own description from the metadata exchange; "" for none. */
  readonly peerMetadataId: string;
  readonly peerMetadata: string;
  /** What filters left for each other, by filter name; undefined: nothing. */
  readonly metadata: ReadonlyMap<string, JsonValue> | undefined;
  /** Undefined: not recorded. */
  readonly span: ActiveSpan | undefined;
}
