import {
  ALL,
  ALL_STREAMED,
  at,
  bodies,
  bytes,
  type Common,
  change,
  DUPLEX,
  failing,
  GRPC,
  immediate,
  louder,
  mode,
  mutate,
  POST,
  type ProcessingCase,
  SKIP,
  STEPS,
  set,
  TRAILERS,
} from "./processing-scripts.ts";
import { agree, type ProcessingAnswer } from "./processor.ts";

/** Answers that are not to be late have this long, on a busy machine too. */
const SOON = "1.5s";

/** Answers of the processor's own, its failures, delays and wishes. */
export const FAILURE_CASES: readonly ProcessingCase[] = [
  ...STEPS.map(
    (step): ProcessingCase => ({ name: `immediate-${step}`, filter: ALL, script: immediate(step), ...POST }),
  ),
  ...STEPS.map(
    (step): ProcessingCase => ({
      name: `immediate-streamed-${step}`,
      filter: ALL_STREAMED,
      script: immediate(step),
      ...POST,
    }),
  ),
  { name: "immediate-grpc", filter: {}, script: immediate("requestHeaders", { grpcStatus: { status: 7 } }) },
  {
    name: "immediate-bare",
    filter: {},
    script: at("requestHeaders", (call) =>
      call.send({ response: { case: "immediateResponse", value: {} } } as ProcessingAnswer),
    ),
  },
  { name: "immediate-odd", filter: {}, script: immediate("requestHeaders", { status: { code: 102 } }) },
  { name: "immediate-disabled", filter: { disable_immediate_response: true }, script: immediate("requestHeaders") },
  {
    name: "immediate-invalid",
    filter: {},
    script: immediate("requestHeaders", {
      headers: { setHeaders: [set("x-ok", "1"), set("x bad", "1"), set("x-more", "1")] },
    }),
  },
  ...STEPS.map((step): ProcessingCase => ({ name: `fail-${step}`, filter: ALL, script: failing(step), ...POST })),
  ...STEPS.map(
    (step): ProcessingCase => ({
      name: `fail-open-${step}`,
      filter: { ...ALL, failure_mode_allow: true },
      script: failing(step),
      ...POST,
    }),
  ),
  ...STEPS.map(
    (step): ProcessingCase => ({ name: `fail-streamed-${step}`, filter: ALL_STREAMED, script: failing(step), ...POST }),
  ),
  ...STEPS.map(
    (step): ProcessingCase => ({ name: `end-${step}`, filter: ALL, script: at(step, (call) => call.end()), ...POST }),
  ),
  ...STEPS.map(
    (step): ProcessingCase => ({
      name: `late-${step}`,
      filter: { ...ALL, message_timeout: SOON },
      script: at(step, () => undefined),
      ...POST,
    }),
  ),
  {
    name: "late-open",
    filter: { ...ALL, message_timeout: SOON, failure_mode_allow: true },
    script: at("requestBody", () => undefined),
    ...POST,
  },
  {
    name: "late-streamed",
    filter: { ...ALL_STREAMED, message_timeout: SOON },
    script: at("responseBody", () => undefined),
    ...POST,
  },
  {
    name: "fail-status",
    filter: { status_on_error: { code: "ServiceUnavailable" } },
    script: failing("requestHeaders"),
  },
  {
    name: "late-status",
    filter: { status_on_error: { code: "ServiceUnavailable" }, message_timeout: SOON },
    script: at("requestHeaders", () => undefined),
  },
  {
    name: "invalid-status",
    filter: { status_on_error: { code: "ServiceUnavailable" } },
    script: mutate("requestHeaders", [set("x one", "1")]),
  },
  { name: "nobody", filter: { grpc_service: { envoy_grpc: { cluster_name: "nobody" } } } },
  {
    name: "nobody-open",
    filter: { grpc_service: { envoy_grpc: { cluster_name: "nobody" } }, failure_mode_allow: true },
  },
  {
    name: "nobody-body",
    filter: {
      ...mode({ ...SKIP, request_body_mode: "BUFFERED" }),
      grpc_service: { envoy_grpc: { cluster_name: "nobody" } },
    },
    ...POST,
  },
  {
    name: "nobody-response",
    filter: { ...mode({ request_header_mode: "SKIP" }), grpc_service: { envoy_grpc: { cluster_name: "nobody" } } },
    ...POST,
  },
  { name: "fail-duplex", filter: DUPLEX, script: failing("requestBody"), ...POST },
  {
    name: "fail-duplex-open",
    filter: { ...DUPLEX, failure_mode_allow: true },
    script: failing("requestBody"),
    ...POST,
  },
  { name: "end-duplex", filter: DUPLEX, script: at("requestBody", (call) => call.end()), ...POST },
  { name: "end-duplex-headers", filter: DUPLEX, script: at("requestHeaders", (call) => call.end()) },
  {
    name: "spurious",
    filter: ALL,
    script: at("requestHeaders", (call) =>
      call.send({ response: { case: "responseHeaders", value: {} } } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "spurious-open",
    filter: { ...ALL, failure_mode_allow: true },
    script: at("requestHeaders", (call) =>
      call.send({ response: { case: "responseHeaders", value: {} } } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "spurious-body",
    filter: ALL,
    script: at("requestBody", (call) =>
      call.send({ response: { case: "requestHeaders", value: {} } } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "spurious-response",
    filter: ALL,
    script: at("responseHeaders", (call) =>
      call.send({ response: { case: "responseBody", value: {} } } as ProcessingAnswer),
    ),
    ...POST,
  },
  { name: "spurious-empty", filter: {}, script: at("requestHeaders", (call) => call.send({})) },
  {
    name: "override",
    filter: { allow_mode_override: true },
    script: at("requestHeaders", (call) =>
      call.send({
        response: { case: "requestHeaders", value: {} },
        modeOverride: { requestBodyMode: 2, responseHeaderMode: 2, responseBodyMode: 1, responseTrailerMode: 1 },
      } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "override-refused",
    filter: {},
    script: at("requestHeaders", (call) =>
      call.send({
        response: { case: "requestHeaders", value: {} },
        modeOverride: { requestBodyMode: 2, responseHeaderMode: 2 },
      } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "override-listed",
    filter: {
      allow_mode_override: true,
      allowed_override_modes: [{ request_body_mode: "BUFFERED", response_header_mode: "SKIP" }],
    },
    script: at("requestHeaders", (call) =>
      call.send({
        response: { case: "requestHeaders", value: {} },
        modeOverride: { requestBodyMode: 2, responseHeaderMode: 2 },
      } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "override-unlisted",
    filter: { allow_mode_override: true, allowed_override_modes: [{ request_body_mode: "BUFFERED" }] },
    script: at("requestHeaders", (call) =>
      call.send({
        response: { case: "requestHeaders", value: {} },
        modeOverride: { requestBodyMode: 2, responseHeaderMode: 2 },
      } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "override-late",
    filter: { ...ALL, allow_mode_override: true },
    script: at("responseHeaders", (call) =>
      call.send({
        response: { case: "responseHeaders", value: {} },
        modeOverride: { responseBodyMode: 0, responseTrailerMode: 2 },
      } as ProcessingAnswer),
    ),
    ...POST,
  },
  {
    name: "patience",
    filter: { message_timeout: SOON, max_message_timeout: "20s" },
    script: at("requestHeaders", (call) => {
      call.send({ overrideMessageTimeout: { seconds: 10n, nanos: 0 } } as ProcessingAnswer);
      setTimeout(() => call.send({ response: { case: "requestHeaders", value: {} } } as ProcessingAnswer), 700);
    }),
  },
  {
    name: "impatience",
    filter: { message_timeout: SOON },
    script: at("requestHeaders", (call) => {
      call.send({ overrideMessageTimeout: { seconds: 10n, nanos: 0 } } as ProcessingAnswer);
      setTimeout(() => call.send({ response: { case: "requestHeaders", value: {} } } as ProcessingAnswer), 6000);
    }),
  },
  {
    name: "watch",
    filter: { observability_mode: true, deferred_close_timeout: "0.5s", ...ALL_STREAMED },
    script: () => undefined,
    ...POST,
  },
  {
    name: "watch-fail",
    filter: { observability_mode: true, deferred_close_timeout: "0.5s", ...ALL_STREAMED },
    script: failing("requestHeaders"),
    ...POST,
  },
  {
    name: "watch-buffered",
    filter: { observability_mode: true, deferred_close_timeout: "0.5s", ...ALL },
    script: () => undefined,
    ...POST,
  },
  {
    name: "forward-allowed",
    filter: { forward_rules: { allowed_headers: { patterns: [{ prefix: ":m" }, { exact: "x-seen" }] } } },
  },
  {
    name: "forward-disallowed",
    filter: {
      forward_rules: {
        allowed_headers: { patterns: [{ prefix: ":" }] },
        disallowed_headers: { patterns: [{ exact: ":path" }] },
      },
    },
  },
  {
    name: "attributes",
    filter: {
      request_attributes: [
        "request.path",
        "request.method",
        "request.host",
        "request.scheme",
        "request.protocol",
        "request.query",
        "xds.route_name",
        "request.headers['x-request-id'] != ''",
      ],
      response_attributes: ["response.code", "request.size", "connection.mtls", "xds.cluster_name"],
    },
    path: "echo?a=1",
  },
  {
    name: "metadata",
    filter: {
      metadata_options: { forwarding_namespaces: { untyped: ["mine"] }, receiving_namespaces: { untyped: ["mine"] } },
    },
    script: at("requestHeaders", (call) =>
      call.send({
        response: { case: "requestHeaders", value: {} },
        dynamicMetadata: { mine: { a: "b" }, other: { c: "d" } },
      } as ProcessingAnswer),
    ),
  },
  { name: "ahead", filter: { send_body_without_waiting_for_header_response: true, ...bodies("STREAMED") }, ...POST },
  {
    name: "ahead-late",
    filter: { send_body_without_waiting_for_header_response: true, ...bodies("STREAMED") },
    script: (message, call) => {
      if (message.request.case === "requestHeaders") return;
      if (message.request.case === "requestBody" && call.messages.length === 2)
        call.send({ response: { case: "requestHeaders", value: {} } } as ProcessingAnswer);
      call.send(agree(message));
    },
    ...POST,
  },
  { name: "per-route-off", filter: {}, route: { disabled: true }, ...POST },
  {
    name: "per-route-mode",
    filter: {},
    route: { overrides: { processing_mode: { ...SKIP, request_body_mode: "BUFFERED" } } },
    ...POST,
  },
  {
    name: "per-route-service",
    filter: { grpc_service: { envoy_grpc: { cluster_name: "nobody" } } },
    route: {
      overrides: {
        grpc_service: { envoy_grpc: { cluster_name: "processor" } },
        grpc_initial_metadata: [{ key: "x-case", value: "per-route-service" }],
      },
    },
  },
  {
    name: "per-route-open",
    filter: { grpc_service: { envoy_grpc: { cluster_name: "nobody" } } },
    route: { overrides: { failure_mode_allow: true } },
  },
  {
    name: "length-set",
    filter: bodies("STREAMED"),
    script: mutate("requestHeaders", [set("content-length", "2000")]),
    method: "POST",
    path: "plain",
    body: 2000,
    sized: true,
  },
  { name: "oversize", filter: bodies("BUFFERED"), method: "POST", body: 1_200_000 },
  { name: "oversize-response", filter: mode({ response_body_mode: "BUFFERED" }), method: "POST", body: 1_200_000 },
  { name: "fail-duplex-open-get", filter: { ...DUPLEX, failure_mode_allow: true }, script: failing("requestHeaders") },
  ...["NONE", "BUFFERED", "BUFFERED_PARTIAL", "STREAMED"].map(
    (kind): ProcessingCase => ({
      name: `behind-${kind}`,
      buffered: true,
      filter: bodies(kind, TRAILERS),
      script: louder(false),
      ...POST,
    }),
  ),
  { name: "behind-DUPLEX", buffered: true, filter: DUPLEX, script: louder(true), ...POST },
  { name: "behind-get", buffered: true, filter: ALL, path: "empty" },
  {
    name: "behind-replaced",
    buffered: true,
    filter: ALL,
    script: change("requestHeaders", {
      status: 1,
      bodyMutation: { mutation: { case: "body", value: bytes("replaced") } },
    } as Common),
    ...POST,
  },
  { name: "grpc", filter: {}, headers: GRPC, method: "POST", body: 20 },
  {
    name: "grpc-immediate",
    filter: {},
    script: immediate("requestHeaders", { grpcStatus: { status: 7 } }),
    headers: GRPC,
    method: "POST",
    body: 20,
  },
  { name: "grpc-mapped", filter: {}, script: immediate("responseHeaders"), headers: GRPC, method: "POST", body: 20 },
  { name: "grpc-fail", filter: {}, script: failing("requestHeaders"), headers: GRPC, method: "POST", body: 20 },
  {
    name: "length-allowed",
    filter: { ...bodies("STREAMED"), allow_content_length_header: true },
    method: "POST",
    path: "plain",
    body: 2000,
    sized: true,
  },
];
