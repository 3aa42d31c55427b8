import type { JsonObject } from "@bufbuild/protobuf";
import { headerEntries } from "@heddle/wire";
import type { HeaderValueOption } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type CheckResponse, CheckResponseSchema } from "@heddle/xds-api/envoy/service/auth/v3/external_auth";
import type { ExtAuthzConfig, ExtAuthzRouteConfig } from "../config/filters/ext-authz.ts";
import { matchesMetadata } from "../config/value-match.ts";
import { isChosen } from "../runtime/runtime.ts";
import { readGrpcAnswer } from "../upstream/grpc-message.ts";
import type { CollectedResponse } from "../upstream/response-collector.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import { grpcCheck, httpCheck, matchesAny } from "./authorization-check.ts";
import { countForCluster } from "./cluster-count.ts";
import type { FilterCall, FilterSurroundings, HttpFilter, RequestBody } from "./http-filter.ts";
import { leaveMetadata } from "./leave-metadata.ts";

const MAX_ANSWER = 65_536;

/** Asks a service about each request. Source: Envoy `envoy.filters.http.ext_authz`. */
class ExtAuthzFilter implements HttpFilter {
  readonly #config: ExtAuthzConfig;
  readonly #route: ExtAuthzRouteConfig | undefined;
  readonly #around: FilterSurroundings;

  constructor(config: ExtAuthzConfig, route: ExtAuthzRouteConfig | undefined, around: FilterSurroundings) {
    this.#config = config;
    this.#route = route;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { fraction, enabledMetadata, denyAtDisable, statusOnError } = this.#config;
    if (this.#route?.disabled === true) return true;
    const chosen = isChosen(this.#around.runtime.share(fraction), this.#around.random);
    if (!chosen || (enabledMetadata !== undefined && !matchesMetadata(enabledMetadata, call.metadata))) {
      if (!this.#around.runtime.flag(denyAtDisable)) return true;
      this.#count(call, "disabled");
      call.reply({ status: statusOnError, body: "", details: "ext_authz_denied", flag: "UAEX" });
      return false;
    }
    const wanted = this.#route?.body ?? this.#config.body;
    // A tunnel has no body that ends.
    if (wanted === undefined || wanted === false || call.request.protocol !== "" || call.request.method === "CONNECT") {
      this.#ask(call, undefined);
      return false;
    }
    call.readBody(wanted.maxBytes, (body) => {
      const bytes = body.bytes.subarray(0, wanted.maxBytes);
      const partial = body.partial || bytes.length < body.bytes.length;
      if (partial && !wanted.partial)
        call.reply({ status: 413, body: "Payload Too Large", details: "request_payload_too_large", flag: "-" });
      else this.#ask(call, body.bytes.length === 0 ? undefined : { bytes, partial });
    });
    return false;
  }

  #count(call: FilterCall, what: string): void {
    const name = `ext_authz.${this.#config.statPrefix}${what}`;
    this.#around.count(name);
    countForCluster(call, this.#around, name);
  }

  #ask(call: FilterCall, body: RequestBody | undefined): void {
    const { service } = this.#config;
    const { clusters, clock } = this.#around;
    // The service may change the headers that name the client.
    void call.exchange.forwardedIp;
    const check =
      service.kind === "grpc"
        ? grpcCheck(this.#config, call, this.#route?.context ?? {}, body)
        : { head: httpCheck(this.#config, call, body), body: body?.bytes };
    const askedMs = clock.monotonic();
    const asked = sendSideRequest(
      { cluster: clusters.get(service.cluster), ...check, clock, timeoutMs: service.timeoutMs, maxBytes: MAX_ANSWER },
      (result) => {
        if (!result.ok) this.#failed(call);
        else if (service.kind === "http") this.#judgeHttp(call, result.value, askedMs);
        else this.#judgeGrpc(call, readGrpcAnswer(CheckResponseSchema, result.value), askedMs);
      },
    );
    call.onEnd(() => asked.cancel());
  }

  /** The service's answer can't be used. */
  #invalid(call: FilterCall): void {
    this.#count(call, "invalid");
    call.reply({ status: 500, body: "", details: "ext_authz_invalid", flag: "-" });
  }

  /** The service gave no answer that counts. */
  #failed(call: FilterCall): void {
    this.#count(call, "error");
    if (this.#config.failOpen) {
      this.#count(call, "failure_mode_allowed");
      if (this.#config.failOpenHeader) call.request.headers.set("x-envoy-auth-failure-mode-allowed", "true");
      call.resume();
      return;
    }
    call.reply({ status: this.#config.statusOnError, body: "", details: "ext_authz_error", flag: "UAEX" });
  }

  #judgeGrpc(call: FilterCall, answer: CheckResponse | undefined, askedMs: number): void {
    if (answer === undefined) {
      this.#failed(call);
      return;
    }
    const http = answer.httpResponse;
    const allowed = (answer.status?.code ?? 0) === 0;
    if (answer.dynamicMetadata !== undefined) this.#leave(call, answer.dynamicMetadata, allowed, askedMs);
    if (this.#config.validateMutations && !possible(answer)) {
      this.#invalid(call);
      return;
    }
    if (!allowed) {
      const denied = http.case === "deniedResponse" ? http.value : undefined;
      this.#deny(
        call,
        Number(denied?.status?.code ?? 0) || 403,
        denied?.body ?? "",
        (denied?.headers ?? []).map((o) => [(o.header?.key ?? "").toLowerCase(), o.header?.value ?? ""]),
      );
      return;
    }
    const { headers } = call.request;
    if (http.case === "okResponse") {
      for (const name of http.value.headersToRemove) headers.remove(name.toLowerCase());
      for (const option of http.value.headers) addTo(option, headers);
      const toClient = http.value.responseHeadersToAdd;
      if (toClient.length > 0)
        call.onResponse((head) => toClient.forEach((option) => void addTo(option, head.headers)));
    }
    this.#allow(call);
  }

  #judgeHttp(call: FilterCall, response: CollectedResponse, askedMs: number): void {
    const { service } = this.#config;
    if (service.kind !== "http") return;
    if (response.status >= 500) {
      this.#failed(call);
      return;
    }
    const entries = headerEntries(response.headers).filter(([name]) => name !== "content-length");
    const left = entries.filter(([name]) => matchesAny(service.metadataHeaders, name));
    this.#leave(call, Object.fromEntries(left), response.status === 200, askedMs);
    if (response.status !== 200) {
      const told = entries.filter(
        ([name]) =>
          service.clientHeaders === undefined ||
          name === "location" ||
          name === "www-authenticate" ||
          matchesAny(service.clientHeaders, name),
      );
      const kept = told.filter(([name]) => name !== "transfer-encoding" && name !== "connection" && name !== "date");
      this.#deny(call, response.status, response.body.toString("utf8"), kept);
      return;
    }
    const { headers } = call.request;
    for (const [name, value] of entries) {
      if (matchesAny(service.upstreamAppend, name)) headers.append(name, value);
      else if (matchesAny(service.upstreamHeaders, name)) headers.set(name, value);
    }
    const toClient = entries.filter(([name]) => matchesAny(service.clientHeadersOnSuccess, name));
    if (toClient.length > 0)
      call.onResponse((head) => {
        for (const [name, value] of toClient) head.headers.append(name, value);
      });
    this.#allow(call);
  }

  /** Leaves what an answer says for later filters and logs; of one that allows, how long it took. Source: Envoy 1.40. */
  #leave(call: FilterCall, fields: JsonObject, allowed: boolean, askedMs: number): void {
    if (Object.keys(fields).length === 0) return;
    const took = allowed ? { ext_authz_duration: Math.trunc(this.#around.clock.monotonic() - askedMs) } : {};
    leaveMetadata(call.metadata, METADATA_NAME, { ...fields, ...took });
  }

  #allow(call: FilterCall): void {
    this.#count(call, "ok");
    if (this.#config.clearRoute) call.clearRoute();
    call.resume();
  }

  #deny(call: FilterCall, status: number, body: string, headers: readonly (readonly [string, string])[]): void {
    this.#count(call, "denied");
    call.reply({ status, body, details: "ext_authz_denied", flag: "UAEX", headers });
  }
}

/** Where later filters find what the service says of a request. */
const METADATA_NAME = "envoy.filters.http.ext_authz";
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether all headers of an answer can stand in a message. */
function possible(answer: CheckResponse): boolean {
  const http = answer.httpResponse;
  const options =
    http.case === "okResponse"
      ? [...http.value.headers, ...http.value.responseHeadersToAdd]
      : http.case === "deniedResponse"
        ? http.value.headers
        : [];
  return options.every((o) => canStand((o.header?.key ?? "").toLowerCase(), o.header?.value ?? ""));
}

function canStand(name: string, value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return false;
  }
  return NAME.test(name);
}

/** Source: Envoy: `append: false` and the default replace. */
function addTo(
  option: HeaderValueOption,
  headers: { append(name: string, value: string): void; set(name: string, value: string): void },
): void {
  const name = (option.header?.key ?? "").toLowerCase();
  const value = option.header?.value ?? "";
  if (!canStand(name, value)) return;
  if (option.append === true) headers.append(name, value);
  else headers.set(name, value);
}

export function createExtAuthzFilter(
  config: ExtAuthzConfig,
  route: ExtAuthzRouteConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new ExtAuthzFilter(config, route, around);
}
