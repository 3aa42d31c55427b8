// Hot path: one per request.
import type { JsonValue } from "@bufbuild/protobuf";
import type { HeaderList, RequestHead, ResponseHead, StreamBytes } from "@heddle/wire";
import type { FilterState } from "../config/filter-state.ts";
import type { RouteCounters } from "../counters/route-counters.ts";
import type { FilterMarks } from "../filters/http-filter.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import type { ActiveSpan } from "../telemetry/tracing/span.ts";
import type { Connection } from "../transport/connection.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";
import type { FailedTry } from "./failed-tries.ts";
import type { GrpcMessages } from "./grpc-messages.ts";

/** What telemetry may know of an exchange; complete when it is over. Heads are valid only while it lasts. */
export interface ExchangeRecord {
  readonly connection: ConnectionInfo;
  /** The client that trusted proxies name; undefined: it is the connection's own. */
  readonly forwardedIp?: string | undefined;
  readonly request: RequestHead;
  /** The head that the client got; undefined before. */
  readonly response: ResponseHead | undefined;
  readonly route: CompiledRoute | undefined;
  readonly cluster: Cluster | undefined;
  readonly clusterName: string;
  readonly host: Host | undefined;
  readonly upstreamLocal: string;
  readonly upstreamSecure: boolean;
  /** HTTP version of its connection; 0: there was none. */
  readonly upstreamVersion: number;
  readonly upstreamPrincipal: string;
  /** The last connection that was used; undefined: none. */
  readonly upstream: Connection | undefined;
  /** On the wire; of the last try only where a log asks for it. */
  readonly downstreamBytes: StreamBytes | undefined;
  readonly upstreamBytes: StreamBytes | undefined;
  /** Hosts of tries that failed, before `host`. */
  readonly failedTries: readonly FailedTry[];
  readonly virtualCluster: RouteCounters | undefined;
  /** Kept only where a log asks for them. */
  readonly responseTrailers: HeaderList | undefined;
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
  /** Noted only where a log asks for them: a connection was wanted, was there, the answer was complete. */
  readonly upstreamWantedMs: number;
  readonly upstreamReadyMs: number;
  readonly upstreamEndMs: number;
  /** The first byte of the answer's body was there. Below 0: not noted. */
  readonly upstreamBodyMs: number;
  /** Wall clock. Units: ms since 1970. */
  readonly startTime: number;
  /** Path before rewriting. */
  readonly originalPath: string;
  /** Peer's own description from the metadata exchange; "" for none. */
  readonly peerMetadataId: string;
  readonly peerMetadata: string;
  /** What filters left for each other, by filter name; undefined: nothing. */
  readonly metadata: ReadonlyMap<string, JsonValue> | undefined;
  /** What `set_filter_state` put beside the request; undefined: nothing. */
  readonly filterState: FilterState | undefined;
  /** The part of it that the upstream's side gets. */
  readonly sharedState: FilterState | undefined;
  /** Undefined: there were no filters. */
  readonly marks?: FilterMarks | undefined;
  /** Undefined: not recorded. */
  readonly span: ActiveSpan | undefined;
  /** The span's name as a neighbour told it; undefined: none did. */
  spanName?: string | undefined;
  readonly logType: ExchangeLogType;
}

/** Which line of a log it is. Source: Envoy `AccessLogType`. */
export type ExchangeLogType =
  | "DownstreamStart"
  | "DownstreamPeriodic"
  | "DownstreamTunnelSuccessfullyEstablished"
  | "DownstreamEnd"
  /** Of one try, whose record has nothing of the others. */
  | "UpstreamPoolReady"
  | "UpstreamPeriodic"
  | "UpstreamEnd";
