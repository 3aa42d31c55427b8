// Hot path: one per request where a connection manager has filters beside the router.
import type { JsonValue } from "@bufbuild/protobuf";
import type { HeaderList, RequestHead, ResponseHead, ServerStream } from "@heddle/wire";
import type { StateValue } from "../config/filter-state.ts";
import { BodyBuffer } from "../http/body-buffer.ts";
import type { FilterChains } from "./filter-chain.ts";
import type {
  CorrectedRecord,
  FilterCall,
  FilterMarks,
  FilterReply,
  HeldAnswer,
  HttpFilter,
  RequestBody,
  TakenBody,
  WantedHost,
} from "./http-filter.ts";

/** With this much waiting for filters the client is asked to pause. Units: bytes. */
export const WAITING_BYTES = 65_536;
/** May still arrive after the client was asked to pause. Units: bytes. */
const SPARE_BYTES = 1_048_576;
/** May come at once from a filter that has held the body back. Units: bytes. */
const TAKEN_BYTES = 4 * 1_048_576;

/** What an exchange does for its filters. */
export interface FilteredExchange extends CorrectedRecord {
  /** All filters let the request through. `body`: what has arrived of it. */
  onFiltersPassed(body?: BodyBuffer): void;
  onFilterReply(reply: FilterReply): void;
  addFlag(flag: string): void;
  /** Chooses the route again. */
  chooseRoute(): void;
  replaceClient(make: (client: ServerStream) => ServerStream): void;
  /** The same as `onFilterReply`, after the request may have been forwarded or answered. */
  onInterrupt(reply: FilterReply, held?: HeldAnswer): void;
}

/** A request's way through the filters of its route. */
export class FilterRun implements FilterCall, FilterMarks {
  readonly exchange: FilteredExchange;
  readonly #filters: readonly HttpFilter[];
  /** What has arrived of the request's body; undefined: it has none. */
  #body: BodyBuffer | undefined;
  /** The request is complete. */
  #uploaded: boolean;
  #next = 0;
  #metadata: Map<string, JsonValue> | undefined = undefined;
  /** What filters put beside the request, and the part of it for the upstream; undefined: nothing. */
  state: Map<string, StateValue> | undefined = undefined;
  sharedState: Map<string, StateValue> | undefined = undefined;
  healthCheck = false;
  wantedHost: WantedHost | undefined = undefined;
  #endCallbacks: (() => void)[] | undefined = undefined;
  #responseCallbacks: ((head: ResponseHead, endStream: boolean) => void)[] | undefined = undefined;
  #reader: ((body: RequestBody) => void) | undefined = undefined;
  #readBytes = 0;
  /** The client may send this much while filters wait. Units: bytes. */
  wantedBytes = WAITING_BYTES;
  /** Over: answered, passed or gone. */
  #done = false;

  constructor(exchange: FilteredExchange, chains: FilterChains, body: BodyBuffer | undefined, uploaded: boolean) {
    this.#body = body;
    this.#uploaded = uploaded;
    this.exchange = exchange;
    this.#filters = chains.forRoute(exchange.route);
  }

  get request(): RequestHead {
    return this.exchange.request;
  }

  /** Undefined while no filter has left anything. */
  get written(): ReadonlyMap<string, JsonValue> | undefined {
    return this.#metadata;
  }

  get metadata(): Map<string, JsonValue> {
    this.#metadata ??= new Map();
    return this.#metadata;
  }

  setState(key: string, value: StateValue, shared: boolean): void {
    this.state ??= new Map();
    this.state.set(key, value);
    if (!shared) return;
    this.sharedState ??= new Map();
    this.sharedState.set(key, value);
  }

  markHealthCheck(): void {
    this.healthCheck = true;
  }

  wantHost(wanted: WantedHost): void {
    this.wantedHost = wanted;
  }

  clientIp(): string {
    return this.exchange.forwardedIp ?? this.exchange.connection.remote.ip;
  }

  /** Runs filters until one waits, answers, or all have passed. */
  resume(): void {
    const filters = this.#filters;
    while (!this.#done && this.#next < filters.length) {
      const filter = filters[this.#next++];
      if (filter !== undefined && !filter.onRequest(this)) return;
    }
    if (this.#done) return;
    this.#done = true;
    this.exchange.onFiltersPassed(this.#body);
  }

  reply(reply: FilterReply): void {
    if (this.#done) return;
    this.#skipRest();
    this.exchange.onFilterReply(reply);
  }

  /** Some filters see the answer although they have not seen the request. */
  #skipRest(): void {
    if (this.#done) return;
    this.#done = true;
    while (this.#next < this.#filters.length) this.#filters[this.#next++]?.onSkipped?.(this);
  }

  clearRoute(): void {
    this.exchange.chooseRoute();
  }

  flag(flag: string): void {
    this.exchange.addFlag(flag);
  }

  replaceClient(make: (client: ServerStream) => ServerStream): void {
    this.exchange.replaceClient(make);
  }

  get hasBody(): boolean {
    return this.#body !== undefined;
  }

  rewriteBody(
    change: (bytes: Buffer, complete: boolean) => Buffer | undefined,
    trailers?: (list: HeaderList) => void,
  ): void {
    const body = this.#body;
    if (body === undefined || (body.length === 0 && !this.#uploaded)) return;
    const changed = change(Buffer.concat(body.chunks), this.#uploaded);
    if (changed !== undefined) body.replace(changed);
    if (trailers !== undefined && this.#uploaded) body.changeTrailers(trailers);
  }

  adjustBytes(received: number, sent: number): void {
    this.exchange.bytesReceived += received;
    this.exchange.bytesSent += sent;
  }

  interrupt(reply: FilterReply, held?: HeldAnswer): void {
    this.#skipRest();
    this.exchange.onInterrupt(reply, held);
  }

  get uploaded(): boolean {
    return this.#uploaded;
  }

  takeBody(): TakenBody {
    const body = this.#body;
    const uploaded = this.#uploaded;
    const chunks = body?.chunks ?? [];
    const trailers = body?.trailers;
    if (body !== undefined && !uploaded) {
      body.clear();
      body.allow(TAKEN_BYTES);
    }
    return { chunks, trailers, uploaded };
  }

  putBody(bytes: Uint8Array): void {
    this.#body ??= new BodyBuffer(TAKEN_BYTES);
    this.#body.replace(bytes);
  }

  takeResponse(): ((head: ResponseHead, endStream: boolean) => void) | undefined {
    const callbacks = this.#responseCallbacks;
    if (callbacks === undefined) return undefined;
    this.#responseCallbacks = undefined;
    return (head, endStream) => {
      for (let i = callbacks.length - 1; i >= 0; i--) callbacks[i]?.(head, endStream);
    };
  }

  readBody(maxBytes: number, done: (body: RequestBody) => void): void {
    this.#reader = done;
    this.#readBytes = maxBytes;
    this.wantedBytes = Math.max(WAITING_BYTES, maxBytes);
    this.#body?.allow(maxBytes + SPARE_BYTES);
    this.onBody(this.#uploaded);
  }

  /** More of the body has come, or its end. */
  onBody(uploaded: boolean): void {
    this.#uploaded = uploaded;
    const reader = this.#reader;
    const body = this.#body;
    const length = body?.length ?? 0;
    if (reader === undefined || this.#done || (!uploaded && length <= this.#readBytes)) return;
    this.#reader = undefined;
    reader({ bytes: Buffer.concat(body?.chunks ?? []), partial: !uploaded });
  }

  onEnd(callback: () => void): void {
    this.#endCallbacks ??= [];
    this.#endCallbacks.push(callback);
  }

  onResponse(callback: (head: ResponseHead, endStream: boolean) => void): void {
    this.#responseCallbacks ??= [];
    this.#responseCallbacks.push(callback);
  }

  /** The response head goes out; the last filter sees it first. */
  response(head: ResponseHead, endStream: boolean): void {
    const callbacks = this.#responseCallbacks;
    if (callbacks === undefined) return;
    for (let i = callbacks.length - 1; i >= 0; i--) callbacks[i]?.(head, endStream);
  }

  /** The exchange is over. */
  end(): void {
    this.#done = true;
    const callbacks = this.#endCallbacks;
    if (callbacks === undefined) return;
    this.#endCallbacks = undefined;
    for (let i = 0; i < callbacks.length; i++) callbacks[i]?.();
  }
}
