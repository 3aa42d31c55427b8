import type { StoredSpan } from "./trace-store.ts";

const ID = /^[0-9a-f]{1,32}$/i;

/** Spans of Zipkin's JSON, version 2. Errors: throws where it is no list of spans. Source: zipkin-api zipkin2-api.yaml. */
export function readZipkin(json: unknown): StoredSpan[] {
  if (!Array.isArray(json)) throw new TypeError("expected a list of spans in Zipkin's JSON, version 2");
  return json.map((value: unknown) => {
    const span = objectOf(value);
    const { traceId, id, parentId } = span;
    if (!isId(traceId) || !isId(id)) throw new TypeError("a span needs traceId and id in hexadecimal digits");
    const kind = span["kind"];
    return {
      traceId: traceId.toLowerCase().padStart(32, "0"),
      // Zipkin gives both sides of a call one id; here each span has its own.
      spanId: span["shared"] === true ? `${id}-server` : id,
      parentId: span["shared"] === true ? id : isId(parentId) ? parentId : "",
      name: textOf(span["name"]),
      kind: kind === "SERVER" ? "server" : kind === "CLIENT" ? "client" : "",
      service: textOf(objectOf(span["localEndpoint"])["serviceName"]) || "unknown",
      startUs: numberOf(span["timestamp"]),
      durationUs: numberOf(span["duration"]),
      tags: Object.entries(objectOf(span["tags"])).map(([key, tag]) => [key, textOf(tag)] as const),
    };
  });
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}
