// Hot path: one per request; every event of both directions passes here.

import type { Enlisted, WheelTimer } from "@heddle/std";
import {
  type HeaderList,
  HTTP_2,
  type HttpStream,
  headerEntries,
  headerListOf,
  type ResponseHead,
  type ServerStream,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import type { InternalRedirectConfig } from "../config/internal-redirect.ts";
import type { ForwardAction } from "../config/route-action.ts";
import { type FilteredExchange, FilterRun, WAITING_BYTES } from "../filters/filter-run.ts";
import type { FilterReply, HeldAnswer } from "../filters/http-filter.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { rescue, rescueDownstream, rescueStarted, rescueUpstream, type TrafficFailureCode } from "../rescue.ts";
import { answerOf } from "../router/rewrite.ts";
import { type CompiledRoute, REPLAY_BYTES } from "../router/route-table.ts";
import type { LineInterval } from "../telemetry/line-interval.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { PooledConnection } from "../upstream/pool.ts";
import type { Attempt } from "./attempt.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { chargeAnswer, chargeTime, chargeTimeout, chargeTry } from "./charge-answer.ts";
import { forwardedIp } from "./client-address.ts";
import { countRequest, type HttpManager, reportDone } from "./connection-manager.ts";
import { countFailure } from "./count-failure.ts";
import { ExchangeFacts } from "./exchange-facts.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { effectiveTimeoutMs, overdue, RouteTimeout, type TryLimit } from "./exchange-timers.ts";
import { adaptToUpstream, forwardRequest, mayUpgrade } from "./forward-request.ts";
import { noteGrpcStatus } from "./grpc-status.ts";
import { countRedirect, followRedirect } from "./internal-redirect.ts";
import { askedAction, markedInternal } from "./internal-request.ts";
import { composeLocalReply, failureExtra, overloaded, type ReplyExtra, sendContinue } from "./local-reply.ts";
import { type RequestMirror, startMirror } from "./mirror.ts";
import { BODY_WANTED, noteUpstream, noteWanted } from "./note-upstream.ts";
import { noteTunnel, noteTunnelEnd, opensTunnel } from "./open-tunnel.ts";
import { prepareRequest } from "./request-prepare.ts";
import { prepareResponse } from "./response-prepare.ts";
import { retryPolicyFor } from "./retry-decision.ts";
import { Tries, type TriesOwner } from "./tries.ts";

/** Told when an exchange is over. */
export interface ExchangeOwner {
  onExchangeOver(exchange: Exchange): void;
}

/** One request and its response, from the client's stream to the upstream's and back. States: LIFECYCLE.md. */
export class Exchange extends ExchangeFacts implements StreamHandler, TriesOwner, FilteredExchange, Enlisted {
  rosterAt = -1;
  readonly #manager: HttpManager;
  readonly #owner: ExchangeOwner;
  #downstream: ServerStream;
  /** Last event of either direction. Units: ms of the wheel. */
  lastActivityMs: number;
  readonly #openedMs: number;
  #action: ForwardAction | undefined = undefined;
  readonly #tries: Tries;
  #filters: FilterRun | undefined = undefined;
  #mirror: RequestMirror | undefined = undefined;
  #redirects: readonly CompiledRoute[] = NO_ROUTES;
  #body: BodyBuffer | undefined = undefined;
  #requestEnded = false;
  /** The answer has begun: no retry, no local reply. */
  #committed = false;
  /** The answer is complete. */
  #answered = false;
  /** The answer that is complete is the upstream's. */
  #forwarded = false;
  #over = false;
  #timer: WheelTimer | undefined = undefined;
  #lines: LineInterval | undefined = undefined;
  /** Once it was asked for; "": the connection's own. */
  #forwardedIp: string | undefined = undefined;
  /** The stream of the last try; kept only where a log asks for its bytes. */
  #upstreamStream: HttpStream | undefined = undefined;

  constructor(manager: HttpManager, owner: ExchangeOwner, connection: ConnectionInfo, downstream: ServerStream) {
    super(manager.clock, connection, downstream.request);
    this.#manager = manager;
    this.#owner = owner;
    this.#downstream = downstream;
    this.#tries = new Tries(this, manager);
    this.lastActivityMs = manager.wheel.nowMs;
    this.#openedMs = this.lastActivityMs;
    countRequest(manager, downstream.request.version);
  }

  /** Runs the request phase: prepare, route, forward or answer. */
  begin(endStream: boolean, expectContinue: boolean): void {
    const { config } = this.#manager;
    const request = this.request;
    this.originalPath = request.path;
    if (endStream) this.#endRequest();
    if (expectContinue && !config.proxy100Continue) sendContinue(this.#downstream);
    const refusal = prepareRequest(config, this.connection, request, this.#manager.uuid, this);
    if (refusal !== undefined) {
      this.fail(refusal);
      return;
    }
    this.chooseRoute();
    this.span = this.#manager.tracer?.begin(this);
    this.#lines = this.#manager.earlyLines?.begin(this);
    this.#runFilters();
  }

  #runFilters(): void {
    const { filters } = this.#manager;
    if (filters === undefined) {
      this.onFiltersPassed();
      return;
    }
    // Kept while a filter waits.
    if (!this.#requestEnded) this.#body = new BodyBuffer(this.route?.bufferBytes ?? REPLAY_BYTES);
    this.#filters?.end();
    this.#filters = new FilterRun(this, filters, this.#body, this.#requestEnded);
    this.#filters.resume();
  }

  chooseRoute(): void {
    const { random, runtime } = this.#manager;
    this.route = this.#manager.routes(this.request)?.match(this.request, random, runtime, this);
  }

  get forwardedIp(): ExchangeRecord["forwardedIp"] {
    this.#forwardedIp ??= forwardedIp(this.#manager.config, this.request) ?? "";
    return this.#forwardedIp || undefined;
  }
  get failedTries(): ExchangeRecord["failedTries"] {
    return this.#tries.failed;
  }
  get filterState(): ExchangeRecord["filterState"] {
    return this.#filters?.state;
  }
  get sharedState(): ExchangeRecord["sharedState"] {
    return this.#filters?.sharedState;
  }
  get marks(): ExchangeRecord["marks"] {
    return this.#filters;
  }
  get metadata(): ExchangeRecord["metadata"] {
    return this.#filters?.written;
  }
  get downstreamBytes(): ExchangeRecord["downstreamBytes"] {
    return this.#downstream.wireBytes;
  }
  replaceClient(make: (client: ServerStream) => ServerStream): void {
    this.#downstream = make(this.#downstream);
  }

  /** The router: forwards or answers. */
  onFiltersPassed(body?: BodyBuffer): void {
    this.#body = body ?? this.#body;
    const { request, route } = this;
    const { counters } = this.#manager;
    counters.routed++;
    if (route === undefined) {
      counters.noRoute++;
      this.fail("route-not-found");
      return;
    }
    const { action } = route.route;
    if (action.kind === "forward") {
      this.#forward(route, markedInternal(request.headers) ? askedAction(action, request) : action);
      return;
    }
    counters.direct++;
    this.details = "direct_response";
    const answer = answerOf(action, route.route, request);
    this.#reply(answer.status, answer.body, answer.location);
  }

  onFilterReply(reply: FilterReply): void {
    this.note(reply);
    this.#reply(reply.status, reply.body, undefined, reply);
  }

  onInterrupt(reply: FilterReply, held?: HeldAnswer): void {
    if (this.#over || (this.#answered && held === undefined)) return;
    this.#tries.giveUp();
    if (!this.#committed || held === "whole") {
      this.onFilterReply(reply);
      return;
    }
    this.note(reply);
    this.#cut();
  }

  /** Answers with a failure, or cuts the stream when the answer has begun. */
  fail(code: TrafficFailureCode): void {
    if (this.#over) return;
    const answer = rescue(code, this.#requestEnded);
    countFailure(this.#manager.counters, code);
    if (code === "timeout" && !this.#committed) chargeAnswer(this, answer.status);
    this.#tries.giveUp();
    this.note(answer);
    if (this.#committed) this.#cut();
    else {
      const location = code === "path-redirected" && !this.grpc ? this.request.path : undefined;
      this.#reply(answer.status, answer.body, location, failureExtra(code, answer));
    }
  }

  /** Ends what is quiet for too long, or takes longer than allowed; who has its answer is told nothing more. */
  checkDurations(nowMs: number): void {
    const uploading = !this.#requestEnded && !this.tunnel;
    const quietMs = nowMs - this.lastActivityMs;
    const code = overdue(this.#manager.config, this.#action, quietMs, nowMs - this.#openedMs, uploading);
    if (this.#answered && code !== undefined) this.#downstream.reset(0);
    else if (code !== undefined) this.fail(code);
  }

  // ---- The client's stream -------------------------------------------------------------------------------------------

  onHead(): void {}
  onInformational(): void {}

  onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.lastActivityMs = this.#manager.wheel.nowMs;
    this.bytesReceived += end - start;
    this.requestMessages?.read(bytes, start, end);
    this.#mirror?.append(bytes, start, end);
    if (endStream) this.#endRequest();
    if (this.#answered && !this.tunnel) return;
    this.#body?.append(bytes, start, end);
    const upstream = this.#tries.current?.stream;
    if (upstream === undefined) {
      this.#filters?.onBody(this.#requestEnded);
      // The last filter may just have let it go on.
      if (this.#tries.current?.stream !== undefined) return;
      const wanted = this.#filters === undefined ? WAITING_BYTES : this.#filters.wantedBytes;
      if (this.#body !== undefined && this.#body.length > wanted) stream.pause();
      if (this.#body?.overflowed === true && !this.#committed) this.fail("overflow");
      return;
    }
    if (!upstream.sendData(bytes, start, end, endStream)) stream.pause();
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.lastActivityMs = this.#manager.wheel.nowMs;
    this.#endRequest();
    if (this.#answered) return;
    const upstream = this.#tries.current?.stream;
    if (upstream !== undefined) upstream.sendTrailers(trailers);
    else this.#body ??= new BodyBuffer(REPLAY_BYTES);
    this.#body?.keepTrailers(trailers);
    // The last filter may let the request go on at once, with its trailers.
    if (upstream === undefined) this.#filters?.onBody(true);
  }

  onReset(_stream: HttpStream, failure: WireFailure): void {
    if (failure.code === "local") return;
    const { counters } = this.#manager;
    if (!this.#answered) counters.receivedResets++;
    this.#tries.giveUp();
    if (this.#answered) return;
    this.note(rescueDownstream(failure));
  }

  onDrain(): void {
    this.#tries.current?.stream?.resume();
  }

  onClose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tries.giveUp();
    this.#filters?.end();
    this.#timer?.release();
    this.#lines?.release();
    this.#tries.release();
    this.#body = undefined;
    this.upstreamBytes ??= this.#upstreamStream?.wireBytes;
    this.endMs = this.#manager.clock.monotonic();
    if (this.#forwarded) chargeTime(this, this.endMs - this.requestEndMs);
    if (this.tunnel) this.#manager.counters.upgradesActive--;
    reportDone(this.#manager, this);
    this.#owner.onExchangeOver(this);
  }

  // ---- The upstream's attempt ----------------------------------------------------------------------------------------

  onAttemptReady(attempt: Attempt, connection: PooledConnection): void {
    const request = this.request;
    chargeTry(this);
    noteUpstream(this, connection, this.#manager);
    const inMesh = this.upstreamPrincipal.startsWith("spiffe://");
    adaptToUpstream(this, this.#action, attempt.host, inMesh, this.#tries.timedOut, this.#manager);
    const body = this.#body;
    const bodyless = this.#requestEnded && body?.empty !== false;
    const stream = connection.http.request(request, bodyless, attempt);
    attempt.stream = stream;
    if (this.#manager.needs.bytes) {
      this.#upstreamStream = stream;
      this.upstreamBytes = undefined;
    }
    if (bodyless) return;
    if (body !== undefined) this.#sendBuffered(stream, body);
    if (!this.#requestEnded) this.#downstream.resume();
  }

  onAttemptInformational(_attempt: Attempt, head: ResponseHead): void {
    // 100 is between the client and the first proxy unless it is passed on by configuration.
    if (head.status !== 100 || this.#manager.config.proxy100Continue) this.#downstream.sendInformational(head);
  }

  onAttemptHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void {
    this.lastActivityMs = this.#manager.wheel.nowMs;
    if (this.#tries.takesResponse(attempt, head)) return;
    const redirects = this.#action?.internalRedirect;
    if (redirects !== undefined && this.#redirected(head, redirects)) return;
    this.#tries.markUsedUp(head);
    this.#committed = true;
    this.#body = undefined;
    this.firstByteMs = this.#manager.clock.monotonic();
    this.response = head;
    this.status = head.status;
    chargeAnswer(this, head.status);
    this.#tries.countSuccess();
    prepareResponse(this.#manager, this, head, this.firstByteMs - this.startMs);
    if (this.setCookie !== "") head.headers.append("set-cookie", this.setCookie);
    this.#filters?.response(head, endStream);
    noteGrpcStatus(this, head.headers);
    if (opensTunnel(this.request, head)) {
      this.#timer?.disarm();
      noteTunnel(this, this.#manager);
    }
    if (endStream) this.#answerEnds();
    this.#downstream.sendHead(head, endStream);
    if (endStream) this.#responseComplete(attempt);
  }

  onAttemptData(attempt: Attempt, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.lastActivityMs = this.#manager.wheel.nowMs;
    this.bytesSent += end - start;
    if (this.upstreamBodyMs === BODY_WANTED) this.upstreamBodyMs = this.#manager.clock.monotonic();
    this.responseMessages?.read(bytes, start, end);
    if (endStream) this.#answerEnds();
    if (!this.#downstream.sendData(bytes, start, end, endStream) && !endStream) attempt.stream?.pause();
    if (endStream) this.#responseComplete(attempt);
  }

  onAttemptTrailers(attempt: Attempt, trailers: HeaderList): void {
    noteGrpcStatus(this, trailers);
    if (this.#manager.needs.trailers) this.responseTrailers = headerListOf(headerEntries(trailers));
    this.#answerEnds();
    this.#downstream.sendTrailers(trailers);
    this.#responseComplete(attempt);
  }

  /** The upstream's answer is complete. */
  #answerEnds(): void {
    this.#forwarded = this.#requestEnded;
    if (this.tunnel && !this.#requestEnded) noteTunnelEnd(this, false);
    if (this.#manager.needs.times) this.upstreamEndMs = this.#manager.clock.monotonic();
    // An HTTP/1 connection counts for its next request from now on.
    this.upstreamBytes = this.#upstreamStream?.wireBytes;
  }

  onAttemptFailed(attempt: Attempt, failure: UpstreamFailure): void {
    if (!this.#committed) {
      // It stays where no host is left to try, as in Envoy.
      this.transportFailure = failure.code === "tls-failed" || failure.code === "connect-failed" ? failure.cause : "";
      this.#tries.onFailure(attempt, failure);
      return;
    }
    this.#tries.disarm();
    this.#tries.forget(attempt);
    // Source: Envoy counts calls whose status is not known yet.
    if (this.grpc && this.grpcStatus < 0) this.#manager.counters.resetAfterStart++;
    this.note(rescueStarted(failure));
    this.#cut();
  }

  onAttemptDrain(): void {
    if (!this.#requestEnded) this.#downstream.resume();
  }

  // ---- Timers (objects of the wheel call back here) -------------------------------------------------------------------

  onRouteTimeout(): void {
    if (this.#answered || this.#over) return;
    chargeTimeout(this, !this.#committed);
    this.fail("timeout");
  }

  onTryTimeout(kind: TryLimit): void {
    if (!this.#committed || kind !== "per-try-timeout") this.#tries.onTimeout(kind);
  }

  #endRequest(): void {
    if (this.tunnel && !this.#answered) noteTunnelEnd(this, true);
    this.#requestEnded = true;
    this.requestEndMs = this.#manager.clock.monotonic();
    this.#mirror?.send();
    const timeoutMs = this.#action?.timeoutMs ?? 0;
    if (timeoutMs > 0 && !this.tunnel) this.#armRouteTimer(timeoutMs);
  }

  #armRouteTimer(timeoutMs: number): void {
    this.#timer ??= this.#manager.wheel.create(new RouteTimeout(this));
    this.#timer.arm(timeoutMs);
  }

  #forward(route: CompiledRoute, action: ForwardAction): void {
    if (!mayUpgrade(action, this.#manager.config, this.request)) {
      this.fail("upgrade-refused");
      return;
    }
    this.virtualCluster = route.virtualClusters?.find(this.request);
    this.clusterName = forwardRequest(this, route, action, this.#manager);
    const cluster = this.#manager.clusters.get(this.clusterName);
    if (cluster === undefined) {
      this.#manager.counters.noCluster++;
      this.note(rescue("no-cluster"));
      this.#reply(action.clusterNotFoundStatus, "", undefined);
      return;
    }
    this.cluster = cluster;
    this.#action = action;
    if (this.#manager.needs.times) noteWanted(this, this.#manager.clock);
    const timeoutMs = effectiveTimeoutMs(action, this.grpc, this.request);
    if (timeoutMs > 0 && this.#requestEnded) this.#armRouteTimer(timeoutMs);
    if (action.mirrors.length > 0) {
      this.#mirror = startMirror(action.mirrors, this.request, this.#manager, this.#body, this.#requestEnded);
    }
    if (!this.#requestEnded && this.request.protocol === "" && this.request.method !== "CONNECT")
      this.#body ??= new BodyBuffer(route.bufferBytes);
    this.#tries.begin(cluster, action, retryPolicyFor(action, this.request));
    // Kept from now on only for a retry.
    if (action.retry === undefined && this.#tries.current?.stream !== undefined) this.#body = undefined;
  }

  #sendBuffered(stream: HttpStream, body: BodyBuffer): void {
    if (!body.replay(stream, this.#requestEnded)) this.#downstream.pause();
    if (this.#tries.retry === undefined) this.#body = undefined;
    else body.keepForRetry();
  }

  get settled(): boolean {
    return this.#over || this.#answered;
  }
  get repeatable(): boolean {
    if (this.#committed || this.#answered || this.#body?.overflowed === true) return false;
    return this.#requestEnded || this.#body !== undefined;
  }

  get replayable(): boolean {
    return this.#requestEnded && (this.bytesReceived === 0 || this.#body?.overflowed === false);
  }

  /** Starts again where a redirect points; false: the client follows it. */
  #redirected(head: ResponseHead, policy: InternalRedirectConfig): boolean {
    const next = this.replayable
      ? followRedirect(policy, this.request, head, this.#redirects, this.#manager, this)
      : undefined;
    countRedirect(this.cluster, head.status, next !== undefined);
    if (next === undefined) return false;
    this.#redirects = [...this.#redirects, next];
    this.#tries.giveUp();
    this.attempts = 0;
    this.route = next;
    this.#runFilters();
    return true;
  }

  onTriesFailed(failure: UpstreamFailure): void {
    const answer = rescueUpstream(failure, this.attempts > 1);
    chargeAnswer(this, answer.status);
    this.note(answer);
    this.#reply(
      answer.status,
      answer.body,
      undefined,
      failure.code === "overflow" && this.#manager.config.envoyHeaders ? overloaded : undefined,
    );
  }

  #responseComplete(attempt: Attempt): void {
    this.#answered = true;
    this.#timer?.disarm();
    if (this.tunnel) return;
    this.#tries.forget(attempt);
    // The server has answered without reading the rest.
    if (!this.#requestEnded) {
      attempt.abandon();
      this.#stopUpload();
    }
  }

  /** The answer is out although the client still sends. */
  #stopUpload(): void {
    this.#manager.counters.earlyAnswers++;
    // HTTP/2 can say so without an error; HTTP/1 reads on, and closes after it.
    if (this.request.version === HTTP_2) this.#downstream.reset(0);
    else this.#downstream.resume();
  }

  #reply(status: number, body: string, location: string | undefined, extra?: ReplyExtra): void {
    const reply = composeLocalReply(this.#manager, this, status, body, location, extra);
    const { head } = reply;
    this.#filters?.response(head, reply.body.length === 0);
    this.response = head;
    this.status = head.status;
    this.grpcStatus = reply.grpcStatus;
    this.#committed = true;
    this.#answered = true;
    this.#timer?.disarm();
    this.#tries.disarm();
    this.#downstream.sendHead(head, reply.body.length === 0);
    if (reply.body.length > 0) {
      this.bytesSent += reply.body.length;
      this.#downstream.sendData(reply.body, 0, reply.body.length, true);
    }
    if (!this.#requestEnded) this.#stopUpload();
  }

  /** The answer has begun and can't be completed. INTERNAL_ERROR for HTTP/2, a closed connection for HTTP/1. */
  #cut(): void {
    this.#answered = true;
    this.#manager.counters.sentResets++;
    this.#manager.counters.receivedResets++;
    this.#downstream.reset(2);
  }
}

const NO_ROUTES: readonly CompiledRoute[] = [];
