import { isGrpc } from "@heddle/wire";
import { GrpcWebStream } from "../http/grpc-web-stream.ts";
import type { FilterCall, HttpFilter } from "./http-filter.ts";

const WEB_TYPES: ReadonlySet<string> = new Set([
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/grpc-web-text+proto",
]);
const BINARY_RESPONSE = "application/grpc-web+proto";
const TEXT_RESPONSE = "application/grpc-web-text+proto";
const BAD_BASE64 = "Bad gRPC-web request, invalid base64 data.";

/** Lets gRPC-Web clients call gRPC servers. Source: Envoy `envoy.filters.http.grpc_web`; gRPC's PROTOCOL-WEB. */
class GrpcWebFilter implements HttpFilter {
  onRequest(call: FilterCall): boolean {
    const { headers } = call.request;
    const type = headers.get("content-type");
    if (type === undefined || !WEB_TYPES.has(type)) return true;
    // The length is that of the text, or comes without trailers: not what the server gets.
    headers.remove("content-length");
    headers.set("content-type", "application/grpc");
    headers.set("te", "trailers");
    if (!headers.has("grpc-accept-encoding")) headers.append("grpc-accept-encoding", "identity");
    const textResponse = isText(headers.get("accept") ?? "");
    let web: GrpcWebStream | undefined;
    call.replaceClient((client) => {
      web = new GrpcWebStream(client, isText(type), textResponse, (details) =>
        call.interrupt({ status: 400, body: BAD_BASE64, details, flag: "-" }),
      );
      return web;
    });
    call.onResponse((head) => {
      const from = head.headers.get("content-type") ?? "";
      const understood = head.status === 200 && (isGrpc(head.headers) || isBinaryWeb(from));
      if (!understood) web?.holdAnswer();
      head.headers.remove("content-length");
      head.headers.set("content-type", textResponse ? TEXT_RESPONSE : BINARY_RESPONSE);
    });
    if (isText(type)) call.rewriteBody((bytes, complete) => web?.decode(bytes, 0, bytes.length, complete));
    return web?.broken !== true;
  }
}

function isText(type: string): boolean {
  return WEB_TYPES.has(type) && type.startsWith("application/grpc-web-text");
}

/** A server that speaks gRPC-Web itself. */
function isBinaryWeb(type: string): boolean {
  const media = (type.split(";")[0] ?? "").trim().toLowerCase();
  return media === "application/grpc-web" || media === BINARY_RESPONSE;
}

/** One for all exchanges: what it knows of one is in its stream. */
export const GRPC_WEB_FILTER: HttpFilter = new GrpcWebFilter();
