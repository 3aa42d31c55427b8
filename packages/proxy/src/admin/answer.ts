import type { JsonObject } from "@bufbuild/protobuf";

const TEXT = { "content-type": "text/plain; charset=UTF-8" };

/** A page of text. */
export function textAnswer(body: string, status = 200): Response {
  return new Response(body, { status, headers: TEXT });
}

/** A page of JSON, indented as Envoy's. */
export function jsonAnswer(body: JsonObject): Response {
  return new Response(`${JSON.stringify(body, null, 1)}\n`, { headers: { "content-type": "application/json" } });
}

/** A page of JSON without spaces, as Envoy writes the long ones. */
export function compactJson(body: JsonObject): Response {
  return new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
}
