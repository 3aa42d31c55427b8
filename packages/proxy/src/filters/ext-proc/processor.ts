import { fromBinary, type JsonObject } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { WheelTimer } from "@heddle/std";
import type { HeaderList } from "@heddle/wire";
import type { ProcessingMode } from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/processing_mode";
import {
  type CommonResponse,
  type HeaderMutation,
  type ImmediateResponse,
  type ProcessingResponse,
  ProcessingResponseSchema,
} from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import type { ExtProcConfig } from "../../config/filters/ext-proc.ts";
import { overrideProcessing, type Processing, sameWish } from "../../config/filters/processing-mode.ts";
import type { MutationRules } from "../../config/mutation-rules.ts";
import { type GrpcCall, type GrpcCallOwner, openGrpcCall } from "../../upstream/grpc-call.ts";
import type { FilterCall, FilterReply, FilterSurroundings } from "../http-filter.ts";
import { leaveMetadata } from "../leave-metadata.ts";
import type { Direction, DirectionVoice, Verdict } from "./direction.ts";
import { responseFields, trailerFields } from "./header-fields.ts";
import { applyHeaderMutation, type MutationUse } from "./header-mutations.ts";
import { attributesOf, encode, headerMap, type MessageParts, metadataOf, protocolOf } from "./messages.ts";

const PATH = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
const TIMED_OUT = "ext_proc_error_per-message_timeout_exceeded";
const DECODE_FAILED = 13;
const LONGEST_SECONDS = 315_576_000_000n;
/** Answers that processors give instead of the server may say anything. Source: Envoy. */
const FREE_RULES: MutationRules = {
  routing: true,
  envoy: true,
  noSystem: false,
  none: false,
  allowed: undefined,
  disallowed: undefined,
  refuses: false,
};

/** The exchange that is processed, both ways of it. */
export interface ProcessedExchange {
  readonly request: Direction;
  readonly response: Direction;
  /** Instead of what the exchange would answer; what is held goes nowhere. */
  answer(reply: FilterReply): void;
  /** Whether the processor keeps up. */
  onProcessorRoom(room: boolean): void;
}

interface Side {
  timer: WheelTimer | undefined;
  /** The processor has had its one extension. */
  extended: boolean;
  told: boolean;
}

/** One exchange's conversation with the external processor. Source: Envoy `envoy.filters.http.ext_proc`. */
export class Processor implements DirectionVoice, GrpcCallOwner {
  readonly #config: ExtProcConfig;
  readonly #call: FilterCall;
  readonly #around: FilterSurroundings;
  /** Set before anything is told. */
  exchange: ProcessedExchange | undefined = undefined;
  #stream: GrpcCall | undefined = undefined;
  #opened = false;
  /** The processor has no more say. */
  #complete = false;
  readonly #sides: { readonly request: Side; readonly response: Side } = {
    request: { timer: undefined, extended: false, told: false },
    response: { timer: undefined, extended: false, told: false },
  };
  #processing: Processing;

  constructor(config: ExtProcConfig, call: FilterCall, around: FilterSurroundings) {
    this.#config = config;
    this.#call = call;
    this.#around = around;
    this.#processing = config.processing;
  }

  // ---- To the processor ----------------------------------------------------------------------------------------------

  tellHeaders(direction: Direction, end: boolean): void {
    const fields = direction.head;
    if (fields === undefined) return;
    const value = { headers: headerMap(fields, this.#config), endOfStream: end };
    this.#send(direction, { case: this.#isRequest(direction) ? "requestHeaders" : "responseHeaders", value });
    if (this.dropsLength(direction)) fields.remove("content-length");
  }

  tellBody(direction: Direction, bytes: Uint8Array, end: boolean): void {
    const value = { body: bytes, endOfStream: end };
    this.#send(direction, { case: this.#isRequest(direction) ? "requestBody" : "responseBody", value });
  }

  tellTrailers(direction: Direction, trailers: HeaderList): void {
    const value = { trailers: headerMap(trailerFields(trailers), this.#config) };
    this.#send(direction, { case: this.#isRequest(direction) ? "requestTrailers" : "responseTrailers", value });
  }

  #isRequest(direction: Direction): boolean {
    return direction === this.exchange?.request;
  }

  #send(direction: Direction, request: NonNullable<MessageParts["request"]>): void {
    if (this.#complete) return;
    const config = this.#config;
    const isRequest = this.#isRequest(direction);
    const side = isRequest ? this.#sides.request : this.#sides.response;
    const first = !this.#opened;
    const expressions = isRequest ? config.requestAttributes : config.responseAttributes;
    const attributes = side.told ? undefined : attributesOf(expressions, this.#call.exchange);
    side.told = true;
    const bytes = encode({
      request,
      metadataContext: metadataOf(config.metadata.forwarded, this.#call.exchange.metadata),
      ...(attributes === undefined ? {} : { attributes }),
      ...(config.observes ? { observabilityMode: true } : {}),
      ...(first && !config.observes ? { protocolConfig: protocolOf(config) } : {}),
    });
    if (first) this.#open();
    this.#count("stream_msgs_sent");
    if (this.#stream === undefined) return;
    if (!config.observes && direction.mode.body !== "duplex") this.#time(side);
    if (!this.#stream.send(bytes)) this.exchange?.onProcessorRoom(false);
  }

  #open(): void {
    const { clusters, wheel } = this.#around;
    const { service } = this.#config;
    this.#opened = true;
    this.#count("streams_started");
    const stream = openGrpcCall(clusters.get(service.cluster), PATH, service, this, wheel);
    if (!this.#complete) this.#stream = stream;
  }

  #time(side: Side): void {
    side.extended = false;
    side.timer ??= this.#around.wheel.create({ onExpire: () => this.#onTimeout() });
    side.timer.arm(this.#config.timeoutMs);
  }

  settled(direction: Direction): void {
    const side = this.#isRequest(direction) ? this.#sides.request : this.#sides.response;
    side.timer?.disarm();
    side.extended = false;
  }

  /** What its stream is slow to take is not sent by the exchange for now. */
  onRoom(): void {
    this.exchange?.onProcessorRoom(true);
  }

  /** Stops the processor's own sending, or lets it go on. */
  hush(hushed: boolean): void {
    if (hushed) this.#stream?.pause();
    else this.#stream?.resume();
  }

  // ---- From the processor --------------------------------------------------------------------------------------------

  onMessage(bytes: Uint8Array): void {
    if (this.#config.observes || this.#complete || this.exchange === undefined) return;
    let answer: ProcessingResponse;
    try {
      answer = fromBinary(ProcessingResponseSchema, bytes);
    } catch {
      this.#stream?.close();
      this.onEnd(DECODE_FAILED, "");
      return;
    }
    if (answer.overrideMessageTimeout !== undefined) {
      this.#extend(answer.overrideMessageTimeout);
      return;
    }
    const { request, response } = this.exchange;
    if (answer.modeOverride !== undefined && (request.headersDue || response.headersDue))
      this.#override(answer.modeOverride);
    const verdict = this.#take(answer, request, response);
    if (verdict.kind === "taken") {
      this.#count("stream_msgs_received");
      return;
    }
    if (verdict.kind === "failed") {
      this.#count("stream_msgs_received");
      this.#fail(this.#config.statusOnError, verdict.why);
      return;
    }
    this.#count("spurious_msgs_received");
    if (!this.#config.failOpen) {
      this.#fail(this.#config.statusOnError, verdict.why);
      return;
    }
    this.#count("failure_mode_allowed");
    this.#close();
    this.#free();
  }

  #take({ response: answer, dynamicMetadata }: ProcessingResponse, request: Direction, response: Direction): Verdict {
    if (dynamicMetadata !== undefined) this.#keep(dynamicMetadata);
    switch (answer.case) {
      case "requestHeaders":
        return request.onHeadersAnswer(answer.value.response);
      case "responseHeaders":
        return response.onHeadersAnswer(answer.value.response);
      case "requestBody":
        return request.onBodyAnswer(answer.value.response);
      case "responseBody":
        return response.onBodyAnswer(answer.value.response);
      case "requestTrailers":
        return request.onTrailersAnswer(answer.value.headerMutation);
      case "responseTrailers":
        return response.onTrailersAnswer(answer.value.headerMutation);
      case "immediateResponse":
        if (this.#config.noImmediate)
          return { kind: "spurious", why: "unhandled immediate response due to config disabled it" };
        this.#answer(this.#immediate(answer.value));
        return { kind: "taken" };
      default:
        return { kind: "spurious", why: "unhandled message" };
    }
  }

  #keep(fields: JsonObject): void {
    for (const name of this.#config.metadata.received ?? []) {
      const value = fields[name];
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        leaveMetadata(this.#call.metadata, name, value);
    }
  }

  #override(wish: ProcessingMode): void {
    const { overridable, overrides } = this.#config;
    if (!overridable || this.exchange === undefined) return;
    if (overrides.length > 0 && !overrides.some((allowed) => sameWish(allowed, wish))) return;
    this.#processing = overrideProcessing(this.#processing, wish);
    const { request, response } = this.exchange;
    request.mode = this.#processing.request;
    response.mode = this.#processing.response;
    for (const direction of [request, response])
      if (this.dropsLength(direction)) direction.head?.remove("content-length");
  }

  #extend(wanted: Duration): void {
    const ms = wanted.seconds > LONGEST_SECONDS ? -1 : Number(wanted.seconds) * 1000 + Math.trunc(wanted.nanos / 1e6);
    let extended = false;
    if (ms >= 1 && ms <= this.#config.maxTimeoutMs)
      for (const side of [this.#sides.request, this.#sides.response]) {
        if (side.timer?.armed !== true || side.extended) continue;
        side.timer.arm(ms);
        side.extended = true;
        extended = true;
      }
    this.#count(extended ? "override_message_timeout_received" : "override_message_timeout_ignored");
  }

  onEnd(code: number, text: string): void {
    const failed = code !== 0;
    if (failed) this.#count("streams_failed");
    this.#count("server_half_closed");
    this.#stream = undefined;
    if (this.#complete) return;
    const away = this.exchange?.request.bodyAway === true || this.exchange?.response.bodyAway === true;
    if (failed && (!this.#config.failOpen || away)) {
      this.#fail(this.#config.statusOnError, `ext_proc_error_gRPC_error_${code}${text === "" ? "" : `{${text}}`}`);
      return;
    }
    if (failed) {
      this.#count("server_half_closed");
      this.#count("failure_mode_allowed");
    }
    this.#count("streams_closed");
    this.#free();
  }

  #onTimeout(): void {
    if (this.#complete) return;
    this.#count("message_timeouts");
    if (!this.#config.failOpen) {
      this.#fail(GATEWAY_TIMEOUT, TIMED_OUT);
      return;
    }
    this.#count("failure_mode_allowed");
    this.#close();
    this.#free();
  }

  // ---- Ends ----------------------------------------------------------------------------------------------------------

  /** The exchange is over, or goes on without the processor. */
  stop(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#releaseTimers();
    const stream = this.#stream;
    if (stream === undefined) return;
    if (!this.#config.observes) {
      this.#close();
      return;
    }
    // What a processor watches may outlive the exchange in its queue.
    const timer = this.#around.wheel.create({ onExpire: () => this.#close() });
    timer.arm(this.#config.closeMs);
  }

  #free(): void {
    this.#complete = true;
    this.#releaseTimers();
    this.exchange?.request.free();
    this.exchange?.response.free();
  }

  #close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    this.#count("streams_closed");
    stream.close();
  }

  #fail(status: number, why: string): void {
    this.#answer({ status, body: "", details: why.replaceAll(/\s/g, "_"), flag: "-" });
  }

  #answer(reply: FilterReply): void {
    this.#count("immediate_responses_sent");
    this.refuse(reply);
  }

  /** Ends the exchange with an answer that the processor has no say in. */
  refuse(reply: FilterReply): void {
    this.#complete = true;
    this.#releaseTimers();
    this.#close();
    this.exchange?.answer(reply);
  }

  #immediate(message: ImmediateResponse): FilterReply {
    const status = Number(message.status?.code ?? 0);
    const { headers, grpcStatus } = message;
    return {
      status: status >= 200 ? status : 200,
      body: Buffer.from(message.body).toString("utf8"),
      bytes: message.body,
      details: message.details.replaceAll(/\s/g, "_"),
      flag: "-",
      ...(grpcStatus === undefined ? {} : { grpcStatus: grpcStatus.status }),
      ...(headers === undefined
        ? {}
        : {
            change: (head) =>
              void applyHeaderMutation(headers, responseFields(head), this.#use(FREE_RULES, false, false)),
          }),
    };
  }

  #releaseTimers(): void {
    this.#sides.request.timer?.release();
    this.#sides.response.timer?.release();
    this.#sides.request.timer = undefined;
    this.#sides.response.timer = undefined;
  }

  // ---- Changes -------------------------------------------------------------------------------------------------------

  mutateHead(direction: Direction, mutation: HeaderMutation, replacing: boolean): string | undefined {
    const { head } = direction;
    if (head === undefined) return undefined;
    return applyHeaderMutation(mutation, head, this.#use(this.#config.rules, replacing, this.dropsLength(direction)));
  }

  mutateTrailers(trailers: HeaderList, mutation: HeaderMutation): string | undefined {
    return applyHeaderMutation(mutation, trailerFields(trailers), this.#use(this.#config.rules, false, false));
  }

  #use(rules: MutationRules, replacing: boolean, noLength: boolean): MutationUse {
    return { rules, replacing, noLength, rejected: () => this.#count("rejected_header_mutations") };
  }

  /** Whether the length of a body may be another when it has been processed, when the head is gone already. */
  dropsLength({ mode }: Direction): boolean {
    if (this.#complete || this.#config.observes || this.#config.keepLength || mode.body === "none") return false;
    return mode.body !== "buffered" || !mode.headers;
  }

  answered(direction: Direction, response: CommonResponse): void {
    if (!this.#isRequest(direction)) return;
    const wanted = response.clearRouteCache;
    if (response.headerMutation === undefined) {
      if (wanted) this.#count("clear_route_cache_ignored");
      return;
    }
    const { routeCache } = this.#config;
    if (routeCache === "retain") {
      if (wanted) this.#count("clear_route_cache_disabled");
    } else if ((wanted || routeCache === "clear") && direction.head !== undefined) this.#call.clearRoute();
  }

  #count(name: string): void {
    this.#around.count(`ext_proc.${this.#config.statPrefix}${name}`);
  }
}

const GATEWAY_TIMEOUT = 504;
