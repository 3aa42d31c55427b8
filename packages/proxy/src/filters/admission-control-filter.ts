import type { ResponseHead } from "@heddle/wire";
import type { AdmissionControlConfig } from "../config/filters/admission-control.ts";
import { type AnswerWindow, createAnswerWindow } from "./answer-window.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

/** Names of its statistics. */
export const ADMISSION_STATS = ["rq_failure", "rq_rejected", "rq_success"] as const;

/** Refuses requests while too many of those before fail. Source: Envoy `envoy.filters.http.admission_control`. */
class AdmissionControlFilter implements HttpFilter {
  readonly #config: AdmissionControlConfig;
  readonly #around: FilterSurroundings;
  readonly #answers: AnswerWindow;

  constructor(config: AdmissionControlConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#answers = createAnswerWindow(config.windowMs, () => around.clock.monotonic());
  }

  onRequest(call: FilterCall): boolean {
    const around = this.#around;
    // Health checks say nothing of the traffic.
    if (!around.runtime.flag(this.#config.enabled) || call.exchange.marks?.healthCheck === true) return true;
    this.#answers.update();
    if (this.#answers.rate() >= around.runtime.number(this.#config.rateThreshold) && this.#rejects()) {
      around.count("admission_control.rq_rejected");
      call.reply({ status: 503, body: "", details: "denied_by_admission_control", flag: "-" });
      return false;
    }
    let inTrailers = false;
    call.onResponse((head) => {
      const success = this.#isSuccess(head);
      inTrailers = success === undefined;
      if (success !== undefined) this.#record(success);
    });
    call.onEnd(() => {
      const { grpcStatus } = call.exchange;
      if (inTrailers && grpcStatus >= 0) this.#record(this.#config.grpcSuccess.has(grpcStatus));
    });
    return true;
  }

  /** Source: Envoy `AdmissionControlFilter::shouldRejectRequest`. */
  #rejects(): boolean {
    const { successThreshold, aggression, maxRejection } = this.#config;
    const { runtime, random } = this.#around;
    const { requests, successes } = this.#answers;
    const threshold = Math.min(runtime.number(successThreshold), 100) / 100;
    const excess = Math.max(0, requests - successes / threshold) / (requests + 1);
    const wanted = excess ** (1 / Math.max(1, runtime.number(aggression)));
    return random() < Math.min(wanted, Math.min(runtime.number(maxRejection), 100) / 100);
  }

  /** Undefined: the trailers will say. */
  #isSuccess({ status, headers }: ResponseHead): boolean | undefined {
    const { httpSuccess, grpcSuccess } = this.#config;
    const grpcStatus = headers.get("grpc-status");
    const grpc = status === 200 && isGrpcType(headers.get("content-type"));
    const bodiless = (headers.get("content-length") ?? "0") === "0";
    if (grpcStatus !== undefined && (grpc || bodiless)) return grpcSuccess.has(Number(grpcStatus));
    if (grpc) return undefined;
    return httpSuccess.some(([from, below]) => status >= from && status < below);
  }

  #record(success: boolean): void {
    this.#answers.record(success);
    this.#around.count(success ? "admission_control.rq_success" : "admission_control.rq_failure");
  }
}

function isGrpcType(type = ""): boolean {
  return type === "application/grpc" || type.startsWith("application/grpc+");
}

export function createAdmissionControlFilter(config: AdmissionControlConfig, around: FilterSurroundings): HttpFilter {
  return new AdmissionControlFilter(config, around);
}
