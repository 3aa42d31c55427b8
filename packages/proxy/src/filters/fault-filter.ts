import type { FaultConfig, FaultRateConfig } from "../config/filters/fault.ts";
import { throttle } from "../http/throttled-stream.ts";
import { chooseCluster } from "../router/cluster-choice.ts";
import { matchesHeader } from "../router/route-matcher.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

/** Delays and aborts requests. Source: Envoy `envoy.filters.http.fault`. */
class FaultFilter implements HttpFilter {
  readonly #config: FaultConfig;
  readonly #around: FilterSurroundings;
  /** As configured, under which metadata stand. */
  readonly #name: string;
  #active = 0;

  constructor(config: FaultConfig, name: string, around: FilterSurroundings) {
    this.#name = name;
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const config = this.#config;
    if (!this.#applies(call)) return true;
    if (config.maxActive !== undefined && this.#active >= config.maxActive) {
      this.#around.count("fault.faults_overflow");
      return true;
    }
    if (config.slow !== undefined) this.#slow(config.slow, call);
    const delayMs = this.#delayMs(call);
    if (delayMs <= 0) return !this.#abort(call);
    this.#begin(call);
    this.#around.count("fault.delays_injected");
    call.flag("DI");
    this.#leave(call);
    const timer = this.#around.clock.after(delayMs, () => {
      if (!this.#abort(call)) call.resume();
    });
    call.onEnd(() => timer.cancel());
    return false;
  }

  #slow(slow: FaultRateConfig, call: FilterCall): void {
    const { headers } = call.request;
    const kbps = slow.kbps ?? whole(headers.get("x-envoy-fault-throughput-response"));
    if (kbps === undefined || kbps === 0) return;
    const configured = this.#around.runtime.share(slow.fraction);
    const share =
      slow.kbps === undefined
        ? shareOf(headers.get("x-envoy-fault-throughput-response-percentage"), configured)
        : configured;
    if (this.#around.random() >= share) return;
    this.#begin(call);
    this.#around.count("fault.response_rl_injected");
    call.replaceClient((client) => {
      const throttled = throttle(client, kbps * 1024, this.#around.wheel);
      call.onEnd(() => throttled.forget());
      return throttled;
    });
  }

  #begin(call: FilterCall): void {
    this.#active++;
    call.onEnd(() => {
      this.#active--;
    });
  }

  #applies(call: FilterCall): boolean {
    const { cluster, headers, downstreamNodes } = this.#config;
    if (cluster !== "") {
      const action = call.exchange.route?.route.action;
      if (action?.kind !== "forward") return false;
      if (chooseCluster(action.choice, call.request, this.#around.random) !== cluster) return false;
    }
    for (const header of headers) if (!matchesHeader(header, call.request)) return false;
    if (downstreamNodes.length === 0) return true;
    const node = call.request.headers.get("x-envoy-downstream-service-node");
    return node !== undefined && downstreamNodes.includes(node);
  }

  #leave(call: FilterCall): void {
    const { metadata } = this.#config;
    if (metadata !== undefined) call.metadata.set(this.#name, metadata);
  }

  #delayMs(call: FilterCall): number {
    const { delay } = this.#config;
    if (delay === undefined) return 0;
    const { headers } = call.request;
    const asked = delay.ms ?? whole(headers.get("x-envoy-fault-delay-request"));
    if (asked === undefined) return 0;
    const configured = this.#around.runtime.share(delay.fraction);
    const share =
      delay.ms === undefined ? shareOf(headers.get("x-envoy-fault-delay-request-percentage"), configured) : configured;
    return this.#around.random() < share ? asked : 0;
  }

  #abort(call: FilterCall): boolean {
    const { abort } = this.#config;
    if (abort === undefined) return false;
    const { headers } = call.request;
    let { httpStatus, grpcStatus } = abort;
    let fraction = this.#around.runtime.share(abort.fraction);
    if (httpStatus === undefined && grpcStatus === undefined) {
      const asked = whole(headers.get("x-envoy-fault-abort-request"));
      if (asked !== undefined && asked >= 200 && asked < 600) httpStatus = asked;
      else grpcStatus = whole(headers.get("x-envoy-fault-abort-grpc-request"));
      if (httpStatus === undefined && grpcStatus === undefined) return false;
      fraction = shareOf(headers.get("x-envoy-fault-abort-request-percentage"), fraction);
    }
    if (this.#around.random() >= fraction) return false;
    this.#around.count("fault.aborts_injected");
    this.#leave(call);
    call.reply({
      status: httpStatus ?? httpStatusOf(grpcStatus ?? 2),
      body: "fault filter abort",
      details: "fault_filter_abort",
      flag: "FI",
      ...(grpcStatus === undefined ? {} : { grpcStatus }),
    });
    return true;
  }
}

/** A header may lower the configured share, never raise it. */
function shareOf(header: string | undefined, configured: number): number {
  const asked = whole(header);
  return asked === undefined ? configured : Math.min(asked / 100, configured);
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Source: Envoy `Grpc::Utility::grpcToHttpStatus`. */
const HTTP_STATUS = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

function httpStatusOf(grpcStatus: number): number {
  return HTTP_STATUS[grpcStatus] ?? 500;
}

export function createFaultFilter(config: FaultConfig, name: string, around: FilterSurroundings): HttpFilter {
  return new FaultFilter(config, name, around);
}
