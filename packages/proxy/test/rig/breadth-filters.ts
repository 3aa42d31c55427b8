import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { BreadthCase } from "./breadth-cases.ts";

/** HTTP filters of the breadth bootstrap that work on bodies: buffer and gRPC-Web. */
type Json = Record<string, unknown>;

const EXT = "type.googleapis.com/envoy.extensions.filters.http";
const buffer = (fields: Json): Json => ({
  typed_per_filter_config: { buffer: { "@type": `${EXT}.buffer.v3.BufferPerRoute`, ...fields } },
});
const told = { request_headers_to_add: [{ header: { key: "x-length", value: "%REQ(CONTENT-LENGTH)%" } }] };

const never = (key: string): Json => ({ runtime_key: key, default_value: { numerator: 0 } });
const said = (text: string): Json => ({ direct_response: { status: 200, body: { inline_string: text } } });

/** Values for the routes under `/rt/`. */
export const runtimeLayers: Json = {
  layers: [
    { name: "base", static_layer: { rt: { static: 100 }, "rt.abort": 0 } },
    { name: "admin", admin_layer: {} },
  ],
};
export const runtimePaths: readonly string[] = ["/rt/match", "/rt/static", "/rt/abort", "/rt/limit", "/rt/limit"];
/** What is changed one after the other. */
export const runtimeChanges: readonly string[] = [
  "rt.match=100&rt.abort=100",
  "rt.limit=100&rt.abort=0",
  "rt.enforced=0&rt.static=0",
  "rt.match=&rt.static=&rt.limit=nonsense",
];

export const bodyFilters: readonly Json[] = [
  {
    name: "state",
    typed_config: {
      "@type": `${EXT}.set_filter_state.v3.Config`,
      on_request_headers: [
        {
          object_key: "wanted",
          factory_key: "envoy.hashable_string",
          format_string: { text_format_source: { inline_string: "%REQ(X-KEY)%" } },
        },
      ],
    },
  },
  { name: "web", typed_config: { "@type": `${EXT}.grpc_web.v3.GrpcWeb` } },
  { name: "buffer", typed_config: { "@type": `${EXT}.buffer.v3.Buffer`, max_request_bytes: 100_000 } },
];

export const filtersHost: Json = {
  name: "filters",
  domains: ["filters.test"],
  ...told,
  routes: [
    { match: { prefix: "/rt/match", runtime_fraction: never("rt.match") }, ...said("matched") },
    { match: { prefix: "/rt/static", runtime_fraction: never("rt.static") }, ...said("matched") },
    {
      match: { prefix: "/rt/abort" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: {
          "@type": `${EXT}.fault.v3.HTTPFault`,
          abort: { http_status: 418, percentage: { numerator: 0 } },
          abort_percent_runtime: "rt.abort",
        },
      },
    },
    {
      match: { prefix: "/rt/limit" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        limit: {
          "@type": `${EXT}.local_ratelimit.v3.LocalRateLimit`,
          stat_prefix: "rt",
          token_bucket: { max_tokens: 1, fill_interval: "600s" },
          filter_enabled: never("rt.limit"),
          filter_enforced: { runtime_key: "rt.enforced", default_value: { numerator: 100 } },
        },
      },
    },
    { match: { prefix: "/rt/" }, ...said("not matched") },
    {
      match: { prefix: "/state" },
      route: { cluster: "ring", hash_policy: [{ filter_state: { key: "wanted" } }] },
    },
    { match: { prefix: "/small" }, route: { cluster: "one" }, ...buffer({ buffer: { max_request_bytes: 10 } }) },
    { match: { prefix: "/unbuffered" }, route: { cluster: "one" }, ...buffer({ disabled: true }) },
    { match: { prefix: "/buffered" }, route: { cluster: "one" } },
    { match: { prefix: "/rpc/dead" }, route: { cluster: "nobody" }, ...buffer({ disabled: true }) },
    { match: { prefix: "/rpc/direct" }, direct_response: { status: 404, body: { inline_string: "no % method" } } },
    { match: { prefix: "/rpc/kept" }, route: { cluster: "streams" } },
    { match: { prefix: "/rpc/" }, route: { cluster: "streams" }, ...buffer({ disabled: true }) },
  ],
};

const post = (name: string, path: string, body: string, headers: Record<string, string> = {}): BreadthCase => ({
  name: `body: ${name}`,
  host: "filters.test",
  method: "POST",
  path,
  headers,
  body,
});
const chunked = { "transfer-encoding": "chunked" };
const message = "\0\0\0\0\x05hello";
const text = Buffer.from(message).toString("base64");
const web = { "content-type": "application/grpc-web+proto" };
const webText = { "content-type": "application/grpc-web-text", accept: "application/grpc-web-text" };
const call = (name: string, path: string, body: string, headers: Record<string, string>): BreadthCase => ({
  ...post(`gRPC-Web, ${name}`, `/rpc/${path}`, body, headers),
});

export const bodyCases: readonly BreadthCase[] = [
  ...["a", "b", "c", "d", "user-1", "user-2", "user-3"].map((key) => ({
    name: `hash of filter state: ${key}`,
    host: "filters.test",
    path: "/state",
    headers: { "x-key": key },
  })),
  { name: "body: none", host: "filters.test", path: "/buffered" },
  post("a length is told", "/buffered", "hello", chunked),
  post("exactly the limit", "/small", "0123456789", chunked),
  post("longer than the limit", "/small", "0123456789a", chunked),
  post("longer than the limit, and told", "/small", "0123456789a"),
  post("longer than the limit of others", "/unbuffered", "0123456789a", chunked),
  post("longer than the filter's limit", "/buffered", "x".repeat(150_000), chunked),
  call("binary", "echo", message, web),
  call("without a subtype", "echo", message, { "content-type": "application/grpc-web" }),
  call("with a parameter, which is something else", "echo", message, { "content-type": "application/grpc-web;a=b" }),
  call("text", "echo", text, webText),
  call("text after a filter that waits", "kept", text, webText),
  call("text in, binary out", "echo", text, { "content-type": "application/grpc-web-text" }),
  call("binary in, text out", "echo", message, { ...web, accept: "application/grpc-web-text+proto" }),
  call("several messages as text", "many", text, webText),
  call("accepted encodings", "echo", message, { ...web, "grpc-accept-encoding": "gzip" }),
  call("no base64", "echo", "AAA?", webText),
  call("cut base64", "echo", `${text}AA`, webText),
  call("cut base64 after a filter that waits", "kept", `${text}AA`, webText),
  call("an error in the head", "refuse", message, web),
  call("an error in the head, as text", "refuse", text, webText),
  call("an error in the trailers", "fail", text, webText),
  call("an answer that is not gRPC", "html", message, web),
  call("an answer that is not gRPC, with trailers", "html-trailers", text, webText),
  call("an answer in gRPC-Web", "web", message, web),
  call("nobody there", "dead", message, web),
  call("no such method", "direct", message, web),
];

/** The gRPC server: what it got comes back in a message. */
export function answerCall(incoming: Http2ServerRequest, answer: Http2ServerResponse): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const { te, "content-type": type, "grpc-accept-encoding": encodings, "content-length": length } = incoming.headers;
    const seen = Buffer.from(
      JSON.stringify({ te, type, encodings, length, body: Buffer.concat(chunks).toString("hex") }),
    );
    const frame = Buffer.concat([Buffer.from([0, 0, 0, seen.length >> 8, seen.length & 255]), seen]);
    const grpc = { "content-type": "application/grpc", "x-origin": "rpc" };
    const kind = /^\/rpc\/([\w-]+)/.exec(incoming.url)?.[1];
    const trailers = (status: string, message: string) =>
      answer.addTrailers({ "grpc-status": status, "grpc-message": message, "x-tail": "a b" });
    if (kind === "refuse") {
      answer.stream.respond(
        { ":status": 200, ...grpc, "grpc-status": "7", "grpc-message": "not%20you" },
        { endStream: true },
      );
    } else if (kind === "html" || kind === "html-trailers") {
      answer.writeHead(502, { "content-type": "text/html" });
      if (kind === "html-trailers") trailers("0", "");
      answer.end("<b>100 % broken</b>");
    } else if (kind === "web") {
      answer.writeHead(200, { "content-type": "application/grpc-web" });
      answer.end(frame);
    } else {
      answer.writeHead(200, grpc);
      if (kind === "fail") trailers("13", "it broke");
      else trailers("0", "");
      answer.write(frame.subarray(0, 3));
      answer.write(frame.subarray(3));
      if (kind === "many")
        for (let i = 0; i < 3; i++) answer.write(Buffer.concat([frame, Buffer.from([0, 0, 0, 0, 0])]));
      answer.end();
    }
  });
}
