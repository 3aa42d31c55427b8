import { beforeAll, expect, test } from "bun:test";
import type { JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { verdictOf } from "../../../test/rig/verdict.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const EXT = "type.googleapis.com/envoy.extensions";
const typed = (name: string, type: string, fields: JsonObject): JsonObject => ({
  "@type": `${EXT}.filters.http.${name}.v3.${type}`,
  ...fields,
});

/** What a NACK says of a filter. */
function problemsOf(config: JsonObject): string {
  const manager: JsonValue = {
    name: "l",
    address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
    filter_chains: [
      {
        filters: [
          {
            name: "h",
            typed_config: {
              "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "a",
              route_config: { name: "r" },
              http_filters: [
                { name: "f", typed_config: config },
                { name: "router", typed_config: typed("router", "Router", {}) },
              ],
            },
          },
        ],
      },
    ],
  };
  return verdictOf(registry, "listener", manager);
}

const rule = (fields: JsonObject): JsonObject => typed("header_to_metadata", "Config", { request_rules: [fields] });
const sha = "{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=";
const users = (text: string): JsonObject => typed("basic_auth", "BasicAuth", { users: { inline_string: text } });
const keys = (fields: JsonObject): JsonObject =>
  typed("api_key_auth", "ApiKeyAuth", {
    credentials: [{ key: "k", client: "c" }],
    key_sources: [{ header: "x" }],
    ...fields,
  });

const session = (fields: JsonObject): JsonObject => typed("stateful_session", "StatefulSession", fields);
const state = (type: string, fields: JsonObject): JsonObject => ({
  name: "s",
  typed_config: { "@type": `${EXT}.http.stateful_session.${type}`, ...fields },
});

const admission = (fields: JsonObject): JsonObject =>
  typed("admission_control", "AdmissionControl", { success_criteria: {}, ...fields });

const CASES: readonly (readonly [what: string, config: JsonObject, problem: string])[] = [
  ["csrf that is nowhere enabled", typed("csrf", "CsrfPolicy", {}), "filter_enabled: is required"],
  [
    "an origin that is no expression",
    typed("csrf", "CsrfPolicy", {
      filter_enabled: { default_value: { numerator: 1 } },
      additional_origins: [{ safe_regex: { regex: "(" } }],
    }),
    "additional_origins[0].safe_regex.regex",
  ],
  ["a rule of header and cookie", rule({ header: "a", cookie: "b", on_header_present: { key: "k" } }), "not at both"],
  ["a rule of nothing", rule({ on_header_present: { key: "k" } }), "needs header or cookie"],
  ["a rule that does nothing", rule({ header: "a" }), "needs on_header_present or on_header_missing"],
  [
    "a missing header without a value",
    rule({ header: "a", on_header_missing: { key: "k" } }),
    "on_header_missing.value",
  ],
  ["a cookie that is removed", rule({ cookie: "a", remove: true, on_header_present: { key: "k" } }), "remove"],
  ["a rule without a key", rule({ header: "a", on_header_present: {} }), "on_header_present.key"],
  [
    "a value and an expression",
    rule({
      header: "a",
      on_header_present: { key: "k", value: "v", regex_value_rewrite: { pattern: { regex: "a" }, substitution: "" } },
    }),
    "regex_value_rewrite",
  ],
  ["a user without a hash", users("ann"), "line 1: is not name:{SHA}hash"],
  ["another hash", users(`ann:${sha}\nbob:{MD5}x`), "line 2: only {SHA}"],
  ["a hash that is too short", users("ann:{SHA}x"), "not that of SHA-1"],
  ["a user twice", users(`ann:${sha}\nann:${sha}`), "ann stands twice"],
  ["a user without a name", users(`:${sha}`), "needs a name"],
  ["no users", typed("basic_auth", "BasicAuth", {}), "users: is required"],
  [
    "a key twice",
    keys({
      credentials: [
        { key: "k", client: "c" },
        { key: "k", client: "d" },
      ],
    }),
    "credentials[1].key",
  ],
  ["an empty key", keys({ credentials: [{ client: "c" }] }), "credentials[0].key"],
  ["a source of nothing", keys({ key_sources: [{}] }), "key_sources[0]"],
  ["no tags", typed("ip_tagging", "IPTagging", {}), "ip_tags: needs at least one"],
  [
    "a network that is none",
    typed("ip_tagging", "IPTagging", { ip_tags: [{ ip_tag_name: "a", ip_list: [{ address_prefix: "x" }] }] }),
    "ip_tags[0].ip_list[0].address_prefix",
  ],
  [
    "tags from a file",
    typed("ip_tagging", "IPTagging", { ip_tags_datasource: { filename: "/x" } }),
    "ip_tags_datasource: refused",
  ],
  [
    "typed metadata",
    typed("set_metadata", "Config", {
      metadata: [{ metadata_namespace: "n", typed_value: typed("router", "Router", {}) }],
    }),
    "metadata[0].typed_value: refused",
  ],
  [
    "a session cookie without a name",
    session({ session_state: state("cookie.v3.CookieBasedSessionState", { cookie: {} }) }),
    "session_state.typed_config.cookie.name",
  ],
  [
    "a session header without a name",
    session({ session_state: state("header.v3.HeaderBasedSessionState", {}) }),
    "session_state.typed_config.name",
  ],
  [
    "a status that is none",
    session({ status_on_strict_destination_not_found: 99 }),
    "status_on_strict_destination_not_found: 99",
  ],
  ["a health check that goes nowhere", typed("health_check", "HealthCheck", {}), "pass_through_mode: is required"],
  [
    "a cache of what is not asked",
    typed("health_check", "HealthCheck", { pass_through_mode: false, cache_time: "1s" }),
    "cache_time: needs pass_through_mode",
  ],
  ["admission without criteria", typed("admission_control", "AdmissionControl", {}), "success_criteria: is required"],
  ["a threshold of nothing", admission({ sr_threshold: { default_value: { value: 0.5 } } }), "sr_threshold"],
  [
    "a share that is none",
    admission({ max_rejection_probability: { default_value: { value: 101 } } }),
    "max_rejection_probability.default_value",
  ],
  [
    "a range that is none",
    admission({ success_criteria: { http_criteria: { http_success_status: [{ start: 300, end: 200 }] } } }),
    "http_success_status[0]",
  ],
  [
    "a gRPC status that is none",
    admission({ success_criteria: { grpc_criteria: { grpc_success_status: [0, 17] } } }),
    "grpc_success_status[1]: 17",
  ],
  ["metadata without a name", typed("set_metadata", "Config", { metadata: [{ value: {} }] }), "metadata_namespace"],
];

test.each(CASES)("%s is refused", (_what, config, problem) => {
  expect(problemsOf(config)).toContain(problem);
});

test("passwords and keys are in no problem", () => {
  const told = [
    problemsOf(users("ann:geheim")),
    problemsOf(
      keys({
        credentials: [
          { key: "geheim", client: "" },
          { key: "geheim", client: "d" },
        ],
      }),
    ),
  ].join();
  expect(told).not.toBe("");
  expect(told).not.toContain("geheim");
});
