/**
 * Writes `src/gen` from Envoy's protos (they come inside the npm package `@grpc/grpc-js-xds`), OpenTelemetry's (inside its exporter) and our own `proto/`.
 * Run at development time: `bin/bun packages/xds-api/generate.ts`. The tools are fetched into a temporary folder, because
 * nobody who only runs Heddle needs their 150 MB.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const tools = [
  "@bufbuild/buf@1.75.0",
  "@bufbuild/protoc-gen-es@2.17.0",
  "@grpc/grpc-js-xds@1.14.1",
  "@opentelemetry/otlp-grpc-exporter-base@0.35.1",
];

/** What must be reachable; everything that these import is generated too. */
const roots = [
  "envoy/service/discovery/v3/{ads,discovery}",
  "envoy/service/{status/v3/csds,secret/v3/sds,runtime/v3/rtds,health/v3/hds,accesslog/v3/als,auth/v3/external_auth,ext_proc/v3/external_processor,ratelimit/v3/rls,load_stats/v3/lrs,metrics/v3/metrics_service}",
  "envoy/config/{listener/v3/listener,route/v3/route,route/v3/scoped_route,cluster/v3/cluster,endpoint/v3/endpoint,bootstrap/v3/bootstrap}",
  "envoy/{config/metrics/v3/metrics_service,data/cluster/v3/outlier_detection_event,extensions/stat_sinks/open_telemetry/v3/open_telemetry}",
  "envoy/config/{accesslog/v3/accesslog,rbac/v3/rbac,trace/v3/{zipkin,opentelemetry},core/v3/extension}",
  "envoy/extensions/filters/network/{http_connection_manager,tcp_proxy,rbac,set_filter_state,local_ratelimit,ext_authz,connection_limit,sni_cluster,ratelimit,direct_response}/v3/*",
  "envoy/extensions/filters/http/{router,set_filter_state,cors,fault,rbac,jwt_authn,ext_authz,local_ratelimit,ratelimit,header_mutation,grpc_web,grpc_stats,buffer,lua,wasm,stateful_session,health_check,ext_proc,compressor,decompressor}/v3/*",
  "envoy/extensions/filters/http/{csrf,header_to_metadata,set_metadata,ip_tagging,bandwidth_limit,grpc_http1_bridge,grpc_http1_reverse_bridge,admission_control,basic_auth,api_key_auth,json_to_metadata,credential_injector,custom_response}/v3/*",
  "envoy/extensions/http/{custom_response/{local_response_policy,redirect_policy},injected_credentials/generic}/v3/*",
  "envoy/extensions/filters/listener/{original_dst,tls_inspector,http_inspector,proxy_protocol,original_src}/v3/*",
  "envoy/extensions/filters/common/{set_filter_state,fault}/v3/*",
  "envoy/extensions/http/{original_ip_detection/xff,header_formatters/preserve_case,stateful_session/cookie,stateful_session/header,early_header_mutation/header_mutation}/v3/*",
  "envoy/extensions/compression/{gzip,brotli,zstd}/{compressor,decompressor}/v3/*",
  "envoy/extensions/transport_sockets/{tls,raw_buffer,proxy_protocol,internal_upstream,starttls}/v3/*",
  "envoy/extensions/upstreams/http/v3/*",
  "envoy/extensions/load_balancing_policies/{pick_first,random,common,subset,wrr_locality,least_request,ring_hash,maglev,cluster_provided,round_robin,client_side_weighted_round_robin}/v3/*",
  "envoy/extensions/access_loggers/{file,stream,grpc,open_telemetry,filters/cel}/v3/*",
  "envoy/extensions/tracers/opentelemetry/{resource_detectors,samplers}/v3/*",
  "envoy/extensions/formatter/{req_without_query,metadata,cel}/v3/*",
  "opentelemetry/proto/collector/{trace,logs,metrics}/v1/*",
  "envoy/extensions/{retry/host/previous_hosts,retry/host/omit_host_metadata,retry/host/omit_canary_hosts,retry/priority/previous_priorities,request_id/uuid,wasm,rbac/audit_loggers/stream}/v3/*",
  "envoy/extensions/path/{match,rewrite}/uri_template/v3/*",
  "envoy/extensions/internal_redirect/{allow_listed_routes,previous_routes,safe_cross_scheme}/v3/*",
  "envoy/extensions/clusters/{aggregate,dns}/v3/*",
  "envoy/admin/v3/{config_dump,config_dump_shared,clusters,certs,server_info,listeners}",
  "envoy/extensions/matching/{common_inputs/{network,ssl},input_matchers/ip}/v3/*",
  "envoy/type/matcher/v3/{string,regex,value,http_inputs}",
  "udpa/type/v1/typed_struct",
  "xds/type/{v3/typed_struct,matcher/v3/*}",
  "istio/v1/auth/ca",
  "istio/networking/nds/v1/nds",
  "google/rpc/{status,code}",
];

/** Fields that Envoy has had since, each behind a line of the package's protos. Source: Envoy 1.40's `api/`. */
const newerFields: readonly (readonly [file: string, after: string, added: string])[] = [
  [
    "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector",
    "google.protobuf.BoolValue enable_ja3_fingerprinting = 1;",
    "google.protobuf.BoolValue enable_ja4_fingerprinting = 3;",
  ],
  [
    "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy",
    "bool flush_access_log_on_connected = 2;",
    "bool flush_access_log_on_start = 3;",
  ],
  ["envoy/data/accesslog/v3/accesslog", "TcpConnectionEnd = 3;", "TcpConnectionStart = 14;"],
  [
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager",
    "google.protobuf.BoolValue spawn_upstream_span = 10;",
    "bool no_context_propagation = 13;",
  ],
  [
    "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry",
    "config.core.v3.GrpcService grpc_service = 1 [(validate.rules).message = {required: true}];",
    "config.core.v3.HttpService http_service = 9;",
  ],
  [
    "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry",
    "string prefix = 6;",
    `repeated config.core.v3.TypedExtensionConfig resource_detectors = 7;
    .xds.type.matcher.v3.Matcher custom_metric_conversions = 8;
    uint32 max_data_points_per_request = 10;`,
  ],
  [
    "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry",
    "package envoy.extensions.stat_sinks.open_telemetry.v3;",
    `import "envoy/config/core/v3/extension.proto";
    import "envoy/config/core/v3/http_service.proto";
    import "xds/type/matcher/v3/matcher.proto";`,
  ],
  ["envoy/type/tracing/v3/custom_tag", "Metadata metadata = 5;", "string value = 6;"],
  [
    "envoy/config/trace/v3/zipkin",
    "string collector_hostname = 6;",
    `enum TraceContextOption {
      USE_B3 = 0;
      USE_B3_WITH_W3C_PROPAGATION = 1;
    }
    TraceContextOption trace_context_option = 8;
    core.v3.HttpService collector_service = 9;`,
  ],
  [
    "envoy/config/trace/v3/zipkin",
    "package envoy.config.trace.v3;",
    'import "envoy/config/core/v3/http_service.proto";',
  ],
  [
    "envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata",
    "repeated Rule response_rules = 2;",
    "string stat_prefix = 3;",
  ],
  [
    "envoy/extensions/filters/http/ip_tagging/v3/ip_tagging",
    "RequestType request_type = 1 [(validate.rules).enum = {defined_only: true}];",
    `message IPTags {
      repeated IPTag ip_tags = 1;
    }
    message IpTagHeader {
      enum HeaderAction {
        SANITIZE = 0;
        APPEND_IF_EXISTS_OR_ADD = 1;
      }
      string header = 1;
      HeaderAction action = 2;
    }
    IpTagHeader ip_tag_header = 5;
    config.core.v3.DataSource ip_tags_datasource = 6;`,
  ],
  [
    "envoy/extensions/filters/http/ip_tagging/v3/ip_tagging",
    "package envoy.extensions.filters.http.ip_tagging.v3;",
    `import "envoy/config/core/v3/base.proto";`,
  ],
  [
    "envoy/extensions/filters/http/basic_auth/v3/basic_auth",
    "message BasicAuth {",
    `string authentication_header = 3;
    bool allow_missing = 4;
    bool emit_dynamic_metadata = 5;
    string realm = 6;`,
  ],
  ["envoy/extensions/filters/http/basic_auth/v3/basic_auth", "message BasicAuthPerRoute {", "string realm = 2;"],
  [
    "envoy/extensions/filters/http/stateful_session/v3/stateful_session",
    "bool strict = 2;",
    `string stat_prefix = 3;
    uint32 status_on_strict_destination_not_found = 4;`,
  ],
  [
    "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy",
    "config.core.v3.SubstitutionFormatString body_format = 2;",
    `oneof response_code_details_action {
      bool preserve_response_code_details = 5;
      string response_code_details = 6;
    }`,
  ],
  [
    "envoy/extensions/http/injected_credentials/generic/v3/generic",
    "message Generic {",
    "string header_value_prefix = 3;",
  ],
  ["envoy/type/http/v3/cookie", "string path = 3;", "repeated CookieAttribute attributes = 4;"],
  [
    "envoy/type/http/v3/cookie",
    "package envoy.type.http.v3;",
    `message CookieAttribute {
      string name = 1;
      string value = 2;
    }`,
  ],
  [
    "envoy/extensions/filters/http/ext_proc/v3/processing_mode",
    "BUFFERED_PARTIAL = 3;",
    `FULL_DUPLEX_STREAMED = 4;
    GRPC = 5;`,
  ],
  [
    "envoy/extensions/filters/http/ext_proc/v3/ext_proc",
    "google.protobuf.Duration deferred_close_timeout = 19;",
    `ExtProcHttpService http_service = 20;
    bool send_body_without_waiting_for_header_response = 21;
    repeated ProcessingMode allowed_override_modes = 22;
    .envoy.config.core.v3.TypedExtensionConfig on_processing_response = 23;
    .envoy.type.v3.HttpStatus status_on_error = 24;
    .envoy.config.core.v3.TypedExtensionConfig processing_request_modifier = 25;
    bool allow_content_length_header = 26;
    google.protobuf.BoolValue emit_client_span = 27;`,
  ],
  [
    "envoy/extensions/filters/http/ext_proc/v3/ext_proc",
    "MetadataNamespaces receiving_namespaces = 2;",
    "MetadataNamespaces cluster_metadata_forwarding_namespaces = 3;",
  ],
  [
    "envoy/extensions/filters/http/ext_proc/v3/ext_proc",
    "repeated config.core.v3.HeaderValue grpc_initial_metadata = 7;",
    `google.protobuf.BoolValue failure_mode_allow = 8;
    .envoy.config.core.v3.TypedExtensionConfig processing_request_modifier = 9;
    google.protobuf.BoolValue emit_client_span = 10;`,
  ],
  [
    "envoy/extensions/filters/http/ext_proc/v3/ext_proc",
    "package envoy.extensions.filters.http.ext_proc.v3;",
    `import "envoy/config/core/v3/extension.proto";
    import "envoy/config/core/v3/http_service.proto";
    import "envoy/type/v3/http_status.proto";
    import "google/protobuf/wrappers.proto";
    message ExtProcHttpService {
      .envoy.config.core.v3.HttpService http_service = 1;
    }`,
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "bool end_of_stream = 2;",
    `bool end_of_stream_without_message = 3;
    bool grpc_message_compressed = 4;`,
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "package envoy.service.ext_proc.v3;",
    `import "google/protobuf/any.proto";
    message ProtocolConfiguration {
      envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.BodySendMode request_body_mode = 1;
      envoy.extensions.filters.http.ext_proc.v3.ProcessingMode.BodySendMode response_body_mode = 2;
      bool send_body_without_waiting_for_header_response = 3;
    }
    message StreamedBodyResponse {
      bytes body = 1;
      bool end_of_stream = 2;
      bool end_of_stream_without_message = 3;
      bool grpc_message_compressed = 4;
    }
    message StreamedImmediateResponse {
      oneof response {
        HttpHeaders headers_response = 1;
        StreamedBodyResponse body_response = 2;
        config.core.v3.HeaderMap trailers_response = 3;
      }
    }`,
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "bool observability_mode = 10;",
    "ProtocolConfiguration protocol_config = 11;",
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "ImmediateResponse immediate_response = 7;",
    "StreamedImmediateResponse streamed_immediate_response = 11;",
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "google.protobuf.Duration override_message_timeout = 10;",
    `bool request_drain = 12;
    map<string, google.protobuf.Any> typed_dynamic_metadata = 13;`,
  ],
  [
    "envoy/service/ext_proc/v3/external_processor",
    "bool clear_body = 2;",
    "StreamedBodyResponse streamed_response = 3;",
  ],
  [
    "envoy/extensions/filters/http/compressor/v3/compressor",
    "bool remove_accept_encoding_header = 3;",
    `repeated uint32 uncompressible_response_codes = 4;
    bool status_header_enabled = 5;
    bool weaken_etag_on_compress = 6;`,
  ],
  [
    "envoy/extensions/filters/http/compressor/v3/compressor",
    "repeated string content_type = 3;",
    "repeated type.matcher.v3.StringMatcher content_type_matcher = 4;",
  ],
  [
    "envoy/extensions/filters/http/compressor/v3/compressor",
    "ResponseDirectionOverrides response_direction_config = 1;",
    "config.core.v3.TypedExtensionConfig compressor_library = 2;",
  ],
  [
    "envoy/extensions/filters/http/compressor/v3/compressor",
    "package envoy.extensions.filters.http.compressor.v3;",
    'import "envoy/type/matcher/v3/string.proto";',
  ],
];

/** `a/{b/c,d}/e` → `a/b/c/e`, `a/d/e` (a glob's own braces may not hold a slash). */
const expandBraces = (pattern: string): string[] => {
  const braces = /\{([^{}]*)\}/.exec(pattern);
  if (braces === null) return [pattern];
  return (braces[1] ?? "").split(",").flatMap((choice) => expandBraces(pattern.replace(braces[0], choice)));
};

const here = import.meta.dirname;
const work = mkdtempSync(join(tmpdir(), "xds-api-"));
const run = (command: string, args: readonly string[], cwd: string): void => {
  const done = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (done.status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(" ")} … ended with ${done.status}`);
};

try {
  writeFileSync(join(work, "package.json"), "{}");
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", ...tools], work);

  const protos = join(work, "protos");
  mkdirSync(protos);
  for (const module of ["envoy-api", "googleapis", "protoc-gen-validate", "xds"]) {
    cpSync(join(work, "node_modules/@grpc/grpc-js-xds/deps", module), protos, { recursive: true });
  }
  cpSync(join(work, "node_modules/@opentelemetry/otlp-grpc-exporter-base/build/protos"), protos, { recursive: true });
  cpSync(join(here, "proto"), protos, { recursive: true });

  // The package's copy of validate.proto is older than Envoy's use of it (its text is dropped below anyway).
  const validate = join(protos, "validate/validate.proto");
  const strict = "optional bool strict = 25 [default = true];";
  writeFileSync(
    validate,
    readFileSync(validate, "utf8").replace(strict, `${strict}\n  optional bool ignore_empty = 26;`),
  );

  for (const [name, after, added] of newerFields) {
    const path = join(protos, `${name}.proto`);
    const text = readFileSync(path, "utf8");
    if (!text.includes(after))
      throw new Error(`${name} has no "${after}": does the package have the newer fields now?`);
    writeFileSync(path, text.replace(after, `${after}\n${added}`));
  }

  const files = new Set<string>();
  for (const root of roots.flatMap(expandBraces)) {
    const found = [...new Bun.Glob(`${root}.proto`).scanSync(protos)];
    if (found.length === 0) throw new Error(`no proto matches ${root}: was it renamed by Envoy?`);
    for (const file of found) files.add(file);
  }
  writeFileSync(join(work, "buf.yaml"), "version: v2\nmodules:\n  - path: protos\n");
  writeFileSync(
    join(work, "buf.gen.yaml"),
    [
      "version: v2",
      "plugins:",
      "  - local: protoc-gen-es",
      "    out: gen",
      "    opt: [target=js+dts, import_extension=js]",
      "    include_imports: true",
      "    include_wkt: false",
    ].join("\n"),
  );
  process.env["PATH"] = `${join(work, "node_modules/.bin")}:${process.env["PATH"]}`;
  run(
    "buf",
    ["build", "-o", "image.json", ...[...files].sort().flatMap((file) => ["--path", join("protos", file)])],
    work,
  );
  // Custom options (validation rules, annotations) only make the descriptors bigger; nothing here reads them.
  const image: { file: { package?: string; extension?: { name: string }[] }[] } = await Bun.file(
    join(work, "image.json"),
  ).json();
  const options = image.file.flatMap((file) =>
    (file.extension ?? []).map((option) => `${file.package}.${option.name}`),
  );
  run("buf", ["generate", "image.json", ...options.flatMap((option) => ["--exclude-type", option])], work);

  const out = join(here, "src/gen");
  rmSync(out, { recursive: true, force: true });
  cpSync(join(work, "gen"), out, { recursive: true });
  const written = readdirSync(out, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith("_pb.js"))
    .sort();
  const lazy = join(here, "src/lazy/codegen.ts");
  for (const name of written) {
    const path = join(out, name);
    const text = readFileSync(path, "utf8");
    if (!text.includes("syntax proto3")) throw new Error(`${name} is not proto3, which src/lazy relies on`);
    if (text.includes("extDesc")) throw new Error(`${name} declares an extension, which src/lazy does not read`);
    const from = relative(join(path, ".."), lazy);
    writeFileSync(path, text.replace('"@bufbuild/protobuf/codegenv2"', `"${from}"`));
  }
  const descriptor = (name: string): string => `file_${name.replace(/_pb\.js$/, "").replaceAll("/", "_")}`;
  writeFileSync(
    join(out, "files.ts"),
    [
      "// Every generated file descriptor; written by generate.ts.",
      ...written.map((name) => `import { ${descriptor(name)} } from "./${name}";`),
      "",
      "export const files = [",
      ...written.map((name) => `  ${descriptor(name)},`),
      "];",
      "",
    ].join("\n"),
  );
  console.log(`${written.length} files from ${files.size} roots in ${relative(process.cwd(), out)}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
