// Hot path: one per request.

import type { Clock } from "@heddle/std";
import type { HeaderList, RequestHead, ResponseHead } from "@heddle/wire";
import type { RouteCounters } from "../counters/route-counters.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { type CompiledRoute, isGrpc } from "../router/route-table.ts";
import type { Cluster, HostCriteria } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { GrpcMessages } from "./grpc-messages.ts";

/** What an exchange writes down as it goes: logs, statistics, traces and the steps of the request phase read and fill it. */
export class ExchangeFacts {
  readonly connection: ConnectionInfo;
  readonly request: RequestHead;
  readonly grpc: boolean;
  readonly requestMessages: GrpcMessages | undefined;
  readonly responseMessages: GrpcMessages | undefined;
  readonly startMs: number;
  readonly startTime: number;
  response: ResponseHead | undefined = undefined;
  route: CompiledRoute | undefined = undefined;
  cluster: Cluster | undefined = undefined;
  clusterName = "";
  host: Host | undefined = undefined;
  upstreamLocal = "";
  upstreamSecure = false;
  upstreamVersion = 0;
  upstreamPrincipal = "";
  upstream: ExchangeRecord["upstream"] = undefined;
  upstreamBytes: ExchangeRecord["upstreamBytes"] = undefined;
  upstreamWantedMs = -1;
  upstreamReadyMs = -1;
  upstreamEndMs = -1;
  upstreamBodyMs = -1;
  responseTrailers: HeaderList | undefined = undefined;
  status = 0;
  grpcStatus = -1;
  flags = "-";
  details = "via_upstream";
  logType: ExchangeRecord["logType"] = "DownstreamEnd";
  transportFailure = "";
  bytesReceived = 0;
  bytesSent = 0;
  attempts = 0;
  endMs = -1;
  requestEndMs = -1;
  firstByteMs = -1;
  originalPath = "";
  peerMetadataId = "";
  peerMetadata = "";
  span: ExchangeRecord["span"] = undefined;
  virtualCluster: RouteCounters | undefined = undefined;
  /** A tunnel (upgrade or CONNECT) is open: both directions end on their own. */
  tunnel = false;
  criteria: HostCriteria | undefined = undefined;
  setCookie = "";
  spanName: string | undefined = undefined;

  constructor(clock: Clock, connection: ConnectionInfo, request: RequestHead) {
    this.connection = connection;
    this.request = request;
    this.grpc = isGrpc(request);
    this.requestMessages = this.grpc ? new GrpcMessages() : undefined;
    this.responseMessages = this.grpc ? new GrpcMessages() : undefined;
    this.startMs = clock.monotonic();
    this.startTime = clock.now();
  }

  /** Why there is no answer of the upstream, or none to its end. */
  protected note(cause: { readonly flag: string; readonly details: string }): void {
    this.addFlag(cause.flag);
    this.details = cause.details;
  }

  addFlag(flag: string): void {
    if (flag === "-") return;
    this.flags = this.flags === "-" ? flag : `${this.flags},${flag}`;
  }
}
