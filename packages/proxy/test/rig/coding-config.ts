import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { cluster, httpFilterChain, type Json, listener } from "./bootstrap.ts";
import { PLAIN_TEXT, type WantedAnswer } from "./coding-origin.ts";

const TYPE = "type.googleapis.com/envoy.extensions";
const LIBRARIES = { gzip: "Gzip", brotli: "Brotli", zstd: "Zstd" } as const;
type Library = keyof typeof LIBRARIES;

export const library = (
  name: string,
  kind: Library,
  way: "compressor" | "decompressor" = "compressor",
  options: Json = {},
): Json => ({
  name,
  typed_config: { "@type": `${TYPE}.compression.${kind}.${way}.v3.${LIBRARIES[kind]}`, ...options },
});

const compressor = (name: string, kind: Library, fields: Json = {}, options: Json = {}): Json => ({
  name,
  typed_config: {
    "@type": `${TYPE}.filters.http.compressor.v3.Compressor`,
    compressor_library: library(`lib-${name}`, kind, "compressor", options),
    ...fields,
  },
});
const decompressor = (name: string, kind: Library, fields: Json = {}, options: Json = {}): Json => ({
  name,
  typed_config: {
    "@type": `${TYPE}.filters.http.decompressor.v3.Decompressor`,
    decompressor_library: library(`lib-${name}`, kind, "decompressor", options),
    ...fields,
  },
});
const perRoute = (fields: Json): Json => ({
  "@type": `${TYPE}.filters.http.compressor.v3.CompressorPerRoute`,
  ...fields,
});
const router: Json = { name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } };
const on = (key: string, value = true): Json => ({ enabled: { default_value: value, runtime_key: key } });

const LONG = "Text that the proxy says itself, long enough for a compressor to take.";
const route = (prefix: string, filters: Json = {}): Json => ({
  match: { prefix },
  route: { cluster: "app", timeout: "0s" },
  typed_per_filter_config: filters,
});

/** Chains of filters, each behind a listener of its own. */
const CHAINS = {
  plain: [compressor("gz", "gzip", { response_direction_config: {} })],
  legacy: [
    compressor("gz", "gzip", {
      content_length: 100,
      content_type: ["text/html", "Application/X-Own"],
      disable_on_etag_header: true,
      remove_accept_encoding_header: true,
    }),
  ],
  status: [
    compressor("gz", "gzip", {
      response_direction_config: {
        status_header_enabled: true,
        disable_on_etag_header: true,
        uncompressible_response_codes: [206, 404],
        common_config: { min_content_length: 200 },
      },
    }),
  ],
  weaken: [
    compressor("gz", "gzip", {
      response_direction_config: {
        weaken_etag_on_compress: true,
        common_config: { content_type_matcher: [{ prefix: "application/" }], content_type: ["text/own"] },
      },
    }),
  ],
  three: [
    compressor("gz", "gzip", { response_direction_config: { status_header_enabled: true } }),
    compressor("br", "brotli", { response_direction_config: { status_header_enabled: true } }),
    compressor("zs", "zstd", {
      response_direction_config: { status_header_enabled: true, common_config: { content_type: ["text/plain"] } },
    }),
  ],
  first: [
    compressor("gz", "gzip", { response_direction_config: {} }),
    compressor("br", "brotli", { choose_first: true, response_direction_config: {} }),
    compressor("zs", "zstd", { choose_first: true, response_direction_config: {} }),
  ],
  off: [
    compressor("gz", "gzip", {
      response_direction_config: { common_config: on("gz.on", false), remove_accept_encoding_header: true },
    }),
  ],
  upload: [
    compressor("gz", "gzip", {
      request_direction_config: { common_config: { min_content_length: 100 } },
      response_direction_config: { common_config: on("", false) },
    }),
  ],
  inflate: [decompressor("gz", "gzip"), decompressor("br", "brotli"), decompressor("zs", "zstd")],
  quiet: [
    decompressor("gz", "gzip", {
      request_direction_config: { advertise_accept_encoding: false, common_config: on("", false) },
      response_direction_config: { common_config: { ignore_no_transform_header: true } },
    }),
  ],
  waits: [
    { name: "buffer", typed_config: { "@type": `${TYPE}.filters.http.buffer.v3.Buffer`, max_request_bytes: 100_000 } },
    decompressor("gz", "gzip"),
    compressor("zs", "zstd", { request_direction_config: {} }),
  ],
  recode: [
    compressor(
      "br",
      "brotli",
      { response_direction_config: {} },
      { quality: 5, window_bits: 20, encoder_mode: "TEXT" },
    ),
    decompressor("gz", "gzip", {}, { max_inflate_ratio: 1032, chunk_size: 4096 }),
  ],
} satisfies Record<string, readonly Json[]>;

export type ChainName = keyof typeof CHAINS;
export const CHAIN_NAMES = Object.keys(CHAINS) as readonly ChainName[];

/** One listener for each chain; statistics under `http.CHAIN.`. */
export function codingBootstrap(ports: readonly number[], origin: number): Json {
  const manager = (name: ChainName): Json => ({
    stat_prefix: name,
    http_protocol_options: { enable_trailers: true },
    http_filters: [...CHAINS[name], router],
    route_config: {
      name: "local",
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/direct" },
              direct_response: { status: 200, body: { inline_string: LONG } },
              response_headers_to_add: [{ header: { key: "content-type", value: "text/html" } }],
            },
            ...(["plain", "off", "legacy", "upload"].includes(name)
              ? [
                  route("/off", { gz: perRoute({ disabled: true }) }),
                  route("/on", { gz: perRoute({ overrides: { response_direction_config: {} } }) }),
                  route("/remove", {
                    gz: perRoute({ overrides: { response_direction_config: { remove_accept_encoding_header: true } } }),
                  }),
                  route("/keep", {
                    gz: perRoute({
                      overrides: { response_direction_config: { remove_accept_encoding_header: false } },
                    }),
                  }),
                  route("/zstd", {
                    gz: perRoute({ overrides: { compressor_library: library("other", "zstd") } }),
                  }),
                ]
              : []),
            route("/"),
          ],
        },
      ],
    },
  });
  const withTrailers = {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
  return {
    layered_runtime: { layers: [{ name: "admin", admin_layer: {} }] },
    static_resources: {
      listeners: CHAIN_NAMES.map((name, i) => listener(name, ports[i] ?? 0, [httpFilterChain("app", manager(name))])),
      clusters: [cluster("app", [origin], "http1", withTrailers)],
    },
  };
}

/** A request, and what the server answers. */
export interface CodingCase {
  readonly chain: ChainName;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The body goes with its length; else chunked. */
  readonly sized?: boolean;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly answer?: WantedAnswer;
}

const HTML = { "content-type": "text/html; charset=utf-8" };
const get = (chain: ChainName, accept: string | undefined, answer: WantedAnswer = {}, path = "/"): CodingCase => ({
  chain,
  path,
  ...(accept === undefined ? {} : { headers: { "accept-encoding": accept } }),
  answer: { ...answer, headers: { ...HTML, ...answer.headers } },
});
const text = (bytes: number): string => Buffer.alloc(bytes, "ab").toString("base64");
const typed = (type: string): WantedAnswer => ({ headers: { "content-type": type } });

const ACCEPTED = [
  undefined,
  "",
  "gzip",
  "GZIP",
  "gzip;q=0",
  "gzip;q=0.5",
  "gzip; q=0.5, br",
  "br",
  "*",
  "*;q=0",
  "gzip;q=0,*",
  "identity",
  "identity;q=0.5, gzip;q=0.4",
  "identity, gzip",
  "gzip, identity",
  "gzip;q=nonsense",
  "deflate",
  "deflate, gzip;q=0.1",
  "gzip;q=2",
  "gzip;q=-1",
  "x-gzip",
  " , gzip , ",
  "gzip;level=9",
  "zstd, br, gzip",
  "br;q=0.9, gzip;q=0.9, zstd;q=0.8",
  "zstd;q=1.0, *;q=0.5",
  "zstd;q=0, br;q=0, *",
  "gzip;Q=0",
  "gzip, br, zstd",
  "br, zstd, gzip;q=0.9",
  "identity, br",
  "*, br",
  "br;q=, gzip;q=0.001",
];
const TYPES = [
  "text/html",
  "text/plain",
  "text/css",
  "application/javascript",
  "application/x-javascript",
  "text/javascript",
  "text/x-javascript",
  "text/ecmascript",
  "text/js",
  "text/jscript",
  "text/x-js",
  "application/ecmascript",
  "application/x-json",
  "application/xml",
  "application/json",
  "image/svg+xml",
  "text/xml",
  "application/xhtml+xml",
  "text/event-stream",
  "application/grpc",
  "application/grpc-web",
  "application/octet-stream",
  "image/png",
  "font/woff",
  "application/vnd.api+json",
  "application/wasm",
  "text/calendar",
  "TEXT/HTML",
  " text/html ;x=y",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc-web-text",
  "text/",
  "application/manifest+json",
  "application/rss+xml",
  "application/atom+xml",
];
const gz = gzipSync(PLAIN_TEXT).toString("base64");

export const CODING_CASES: readonly CodingCase[] = [
  ...(["plain", "three", "first"] as const).flatMap((chain) => ACCEPTED.map((accept) => get(chain, accept))),
  ...TYPES.map((type) => get("plain", "gzip", typed(type))),
  { chain: "plain", headers: { "accept-encoding": "gzip" } },
  get("three", "zstd, br;q=0.5", typed("text/plain")),
  get("three", "*", typed("text/plain")),
  get("three", "br", typed("image/png")),
  ...[29, 30, 0, 1].map((bytes) => get("plain", "gzip", { body: text(bytes) })),
  ...[29, 0, 500].map((bytes) => get("plain", "gzip", { body: text(bytes), sized: false })),
  ...['W/"weak"', 'w/"weak"', '"strong"', "x", ""].flatMap((etag) =>
    (["plain", "legacy", "status", "weaken"] as const).map((chain) =>
      get(chain, "gzip", { headers: { etag, ...(chain === "weaken" ? { "content-type": "application/own" } : {}) } }),
    ),
  ),
  ...["no-transform", "max-age=3, No-Transform", "max-age=3", "private,no-transform"].map((cache) =>
    get("plain", "gzip", { headers: { "cache-control": cache } }),
  ),
  ...["gzip", "br", "identity", ""].map((coding) => get("plain", "gzip", { headers: { "content-encoding": coding } })),
  ...["Accept-Encoding", "accept-encoding", "Origin", "Origin, Accept-Encoding", "*", "x-accept-encoding"].map((vary) =>
    get("plain", "gzip", { headers: { vary } }),
  ),
  ...[200, 201, 204, 206, 302, 304, 404, 500].flatMap((status) =>
    (["plain", "status"] as const).map((chain) => get(chain, "gzip", { status })),
  ),
  { ...get("plain", "gzip"), method: "HEAD" },
  { ...get("status", "gzip"), method: "HEAD" },
  get("plain", "gzip", { sized: false, trailers: { "x-end": "yes" } }),
  get("plain", undefined, { sized: false, trailers: { "x-end": "yes" } }),
  get("plain", "gzip", {}, "/direct"),
  get("plain", "deflate", {}, "/direct"),
  ...["/off", "/on", "/remove", "/keep", "/zstd"].flatMap((path) =>
    (["plain", "off", "legacy"] as const).flatMap((chain) =>
      ["gzip", "zstd"].map((accept) => get(chain, accept, {}, path)),
    ),
  ),
  get("off", "gzip"),
  get("legacy", "gzip", typed("application/x-own")),
  get("legacy", "gzip", { body: text(99) }),
  get("legacy", "gzip", { body: text(100) }),
  get("legacy", "gzip", typed("text/plain")),
  // The header that says what was done.
  get("status", undefined),
  get("status", "br"),
  get("status", "gzip"),
  get("status", "gzip", { body: text(100) }),
  get("status", "gzip", typed("image/png")),
  get("status", "gzip", { headers: { "cache-control": "no-transform" } }),
  get("status", "gzip", { headers: { "content-encoding": "br" } }),
  get("status", "gzip", { sized: false }),
  get("status", "gzip", {}, "/direct"),
  get("status", "gzip", { body: text(100), headers: { "content-type": "image/png", etag: "x" } }),
  get("weaken", "gzip", typed("application/anything; v=1")),
  get("weaken", "gzip", typed("text/own")),
  get("weaken", "gzip", typed("text/html")),
  // Requests.
  ...[99, 100, 5000].flatMap((bytes) =>
    [true, false].map(
      (sized): CodingCase => ({ chain: "upload", method: "POST", body: Buffer.alloc(bytes, "xyz"), sized }),
    ),
  ),
  { chain: "upload", method: "POST", body: Buffer.alloc(500, "a"), headers: { "content-encoding": "br" } },
  { chain: "upload", method: "POST", body: Buffer.alloc(500, "a"), headers: { "content-type": "image/png" } },
  {
    chain: "upload",
    method: "POST",
    body: Buffer.alloc(500, "a"),
    headers: { "content-type": "text/plain" },
    sized: true,
  },
  { chain: "upload", method: "POST", body: Buffer.alloc(500, "a"), trailers: { "x-sum": "1" } },
  { chain: "upload", method: "GET" },
  ...["/off", "/zstd"].map(
    (path): CodingCase => ({ chain: "upload", path, method: "POST", body: Buffer.alloc(500, "a") }),
  ),
  ...[undefined, "gzip", "br"].flatMap((coding) =>
    [undefined, { "x-sum": "1" }].map(
      (trailers): CodingCase => ({
        chain: "waits",
        method: "POST",
        ...(coding === undefined ? {} : { headers: { "content-encoding": coding } }),
        body: coding === "gzip" ? Buffer.from(gz, "base64") : PLAIN_TEXT,
        ...(trailers === undefined ? {} : { trailers }),
      }),
    ),
  ),
  { chain: "waits" },
  ...decompressing(),
];

function decompressing(): readonly CodingCase[] {
  const coded = {
    gzip: gz,
    br: brotliCompressSync(PLAIN_TEXT).toString("base64"),
    zstd: zstdCompressSync(PLAIN_TEXT).toString("base64"),
  };
  const both = gzipSync(Buffer.from(coded.br, "base64")).toString("base64");
  const of = (chain: ChainName, coding: string, body: string, headers: Record<string, string> = {}): CodingCase =>
    get(chain, undefined, { body, headers: { "content-encoding": coding, ...headers } });
  const bomb = gzipSync(Buffer.alloc(3_000_000)).toString("base64");
  return [
    ...Object.entries(coded).flatMap(([coding, body]) => [
      of("inflate", coding, body),
      of("inflate", coding.toUpperCase(), body),
      of("inflate", coding, body, { "cache-control": "no-transform" }),
      of("inflate", coding, Buffer.from("this is not what it says").toString("base64")),
      of("inflate", coding, Buffer.from(body, "base64").subarray(0, 30).toString("base64")),
      of("inflate", coding, Buffer.concat([Buffer.from(body, "base64"), Buffer.from("rest")]).toString("base64")),
      ...(coding === "gzip"
        ? []
        : [
            of(
              "inflate",
              coding,
              Buffer.concat([Buffer.from(body, "base64"), Buffer.from(body, "base64")]).toString("base64"),
            ),
          ]),
      {
        chain: "inflate",
        method: "POST",
        path: "/echo",
        headers: { "content-encoding": coding },
        body: Buffer.from(body, "base64"),
        sized: true,
      } as CodingCase,
      {
        chain: "inflate",
        method: "POST",
        path: "/echo",
        headers: { "content-encoding": coding },
        body: Buffer.from(body, "base64"),
        trailers: { "x-sum": "1" },
      } as CodingCase,
    ]),
    of("inflate", "gzip, br", both),
    of("inflate", "gzip,identity", gz),
    of("inflate", "deflate", gz),
    of("inflate", "gzip", bomb),
    of("inflate", "br", brotliCompressSync(Buffer.alloc(3_000_000)).toString("base64")),
    of("inflate", "zstd", zstdCompressSync(Buffer.alloc(3_000_000)).toString("base64")),
    of("recode", "gzip", bomb),
    get("inflate", "br"),
    get("inflate", "gzip;q=0.3, zstd"),
    { ...of("inflate", "gzip", gz), method: "HEAD" },
    get("inflate", undefined, {
      body: gz,
      sized: false,
      headers: { "content-encoding": "gzip" },
      trailers: { "x-end": "yes" },
    }),
    of("quiet", "gzip", gz, { "cache-control": "no-transform" }),
    {
      chain: "quiet",
      method: "POST",
      path: "/echo",
      headers: { "content-encoding": "gzip" },
      body: Buffer.from(gz, "base64"),
    },
    get("recode", "br", { body: gz, headers: { "content-encoding": "gzip" } }),
    get("recode", "gzip", { body: gz, headers: { "content-encoding": "gzip" } }),
    get("recode", "br", { headers: {} }),
  ];
}
