import type { JsonObject } from "@bufbuild/protobuf";

/** What every page says beside its type. Source: Envoy's admin interface. */
const ALWAYS = { "cache-control": "no-cache, max-age=0", "x-content-type-options": "nosniff" };
const TEXT = { "content-type": "text/plain; charset=UTF-8" };
const HTML = { "content-type": "text/html; charset=UTF-8" };

/** A page of text. */
export function textAnswer(body: string, status = 200): Response {
  return new Response(body, { status, headers: TEXT });
}

/** A page for a browser. */
export function htmlAnswer(body: string): Response {
  return new Response(body, { headers: HTML });
}

/** A page of JSON, indented as Envoy's. */
export function jsonAnswer(body: JsonObject): Response {
  return new Response(`${JSON.stringify(body, null, 1)}\n`, { headers: { "content-type": "application/json" } });
}

/** A page of JSON without spaces, as Envoy writes the long ones. */
export function compactJson(body: JsonObject): Response {
  return new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
}

/** No browser may keep a page, or guess its type. */
export function withAdminHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(ALWAYS)) response.headers.set(name, value);
  return response;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
