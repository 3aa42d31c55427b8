// Hot path: where a connection manager has filters beside the router.
import type { JsonValue } from "@bufbuild/protobuf";
import type { Clock, TimerWheel } from "@heddle/std";
import type { HeaderList, RequestHead, ResponseHead, ServerStream } from "@heddle/wire";
import type { StateValue } from "../config/filter-state.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ServerHealth } from "../server-health.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";

/** What filters share with the rest of the process. */
export interface FilterSurroundings {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly runtime: Runtime;
  readonly clusters: ClusterSet;
  readonly health: ServerHealth;
  /** Name of the service that this proxy stands for; "" when it was not told. */
  readonly serviceCluster: string;
  /** Running counts by Envoy's name, created on first use. `by` default: 1. */
  count(name: string, by?: number): void;
  /** The same for names that do not begin with the connection manager's. */
  countAlone(name: string): void;
}

/** An answer that a filter gives instead of the upstream. */
export interface FilterReply {
  readonly status: number;
  readonly body: string;
  readonly details: string;
  /** Envoy's short response flag; "-" for none. */
  readonly flag: string;
  /** Replaces what the HTTP status stands for, towards gRPC clients. */
  readonly grpcStatus?: number;
  /** Routes add nothing to it. */
  readonly bare?: boolean;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The body where it need not be text; `body` says the same for gRPC clients and for logs. */
  readonly bytes?: Uint8Array;
  /** Changes the head when all else has been added to it. */
  readonly change?: (head: ResponseHead) => void;
}

/** What filters that stand between client and exchange set right of its record. */
export interface CorrectedRecord extends ExchangeRecord {
  response: ResponseHead | undefined;
  status: number;
  grpcStatus: number;
  bytesReceived: number;
  bytesSent: number;
}

/** What a filter keeps of an answer that the exchange has given: all of it, or what follows the head. */
export type HeldAnswer = "whole" | "rest";

/** What has arrived of a request's body. */
export interface TakenBody {
  readonly chunks: readonly Uint8Array[];
  readonly trailers: HeaderList | undefined;
  /** It is all of the request. */
  readonly uploaded: boolean;
}

/** A host that a request is to go to at its first try. */
export interface WantedHost {
  /** `1.2.3.4:80`. */
  readonly address: string;
  /** No other will do: the answer then has this status. */
  readonly strict: boolean;
  readonly status: number;
}

/** How filters want a request to be treated. */
export interface FilterMarks {
  /** Undefined: any. */
  readonly wantedHost: WantedHost | undefined;
  readonly healthCheck: boolean;
}

/** One request on its way through the filters. */
export interface FilterCall {
  readonly exchange: CorrectedRecord;
  readonly request: RequestHead;
  /** Values that filters leave for each other, by filter name. */
  readonly metadata: Map<string, JsonValue>;
  /** Puts a value beside the request. `shared`: for the upstream's side too. */
  setState(key: string, value: StateValue, shared: boolean): void;
  /** The client behind trusted proxies. Source: Envoy `xff_num_trusted_hops`. */
  clientIp(): string;
  /** It only asks whether all is well: traffic is not counted with it. */
  markHealthCheck(): void;
  /** Wants a host whatever the balancer would choose. */
  wantHost(wanted: WantedHost): void;
  /** Ends the request with an answer. */
  reply(reply: FilterReply): void;
  /** Goes on after a filter that has returned false without answering. */
  resume(): void;
  /** The request changed so much that its route must be chosen again. */
  clearRoute(): void;
  /** Called once when the exchange is over, or the call was answered while the filter waited. */
  onEnd(callback: () => void): void;
  /** Adds a response flag. */
  flag(flag: string): void;
  /** Puts another stream in front of the client's: what goes to the client passes through it. */
  replaceClient(make: (client: ServerStream) => ServerStream): void;
  /** The request has a body, or may have one. */
  readonly hasBody: boolean;
  /**
   * What has arrived of the body is replaced; undefined leaves it. Not called when there is nothing and more may come.
   * `trailers` gets the list that ends the body, when it is complete.
   */
  rewriteBody(
    change: (bytes: Buffer, complete: boolean) => Buffer | undefined,
    trailers?: (list: HeaderList) => void,
  ): void;
  /** Corrects what logs say of bodies, which are counted between the filters and the router. Units: bytes. */
  adjustBytes(received: number, sent: number): void;
  /** Ends the request although it has passed the filters; of an answer that is held nothing more goes to the client. */
  interrupt(reply: FilterReply, held?: HeldAnswer): void;
  /** The request is complete. */
  readonly uploaded: boolean;
  /** What has arrived of the body, which comes again by the client's stream; a complete one stays, to be replaced. */
  takeBody(): TakenBody;
  /** The body of a request that is complete, whether it had one or not. */
  putBody(bytes: Uint8Array): void;
  /** What those filters that stand before this one do to the answer's head: to be done by who takes it. */
  takeResponse(): ((head: ResponseHead, endStream: boolean) => void) | undefined;
  /** Gives the body when it is complete or has reached `maxBytes`, whichever is first. */
  readBody(maxBytes: number, done: (body: RequestBody) => void): void;
  /** Runs for the response, whoever makes it. `endStream`: it has no body. */
  onResponse(callback: (head: ResponseHead, endStream: boolean) => void): void;
}

/** The beginning of a request's body. */
export interface RequestBody {
  readonly bytes: Buffer;
  /** More is to come, or came. */
  readonly partial: boolean;
}

/** A filter compiled for one route. */
export interface HttpFilter {
  /** False: the filter has answered, or will call `resume`. */
  onRequest(call: FilterCall): boolean;
  /** An earlier filter has answered; for filters that see all answers. */
  onSkipped?(call: FilterCall): void;
}
