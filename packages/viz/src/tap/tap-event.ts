import type { TapEvent } from "@heddle/std/tap-event";

/** An event with the names of both ends. */
export interface NamedTapEvent extends TapEvent {
  /** The pod whose proxy told it. */
  readonly namespace: string;
  readonly pod: string;
  /** Workload, or the address where no pod has it. */
  readonly srcName: string;
  readonly srcNamespace: string;
  readonly srcPod: string;
  readonly dstName: string;
  readonly dstNamespace: string;
  readonly dstPod: string;
}

/** Whether an exchange failed, as `stat` counts. */
export function tapFailed(event: Pick<TapEvent, "status" | "grpcStatus">): boolean {
  return event.status === 0 || event.status >= 500 || event.grpcStatus > 0;
}

/** A line of the stream; `dropped` counts events beyond the limit. Undefined: heartbeat or something else. */
export function readTapLine(line: string): TapEvent | { readonly dropped: number } | undefined {
  if (line.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if ("dropped" in value && typeof value.dropped === "number") return { dropped: value.dropped };
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (key: string): string => {
    const field = fields.get(key);
    return typeof field === "string" ? field : "";
  };
  const number = (key: string, fallback = 0): number => {
    const field = fields.get(key);
    return typeof field === "number" && Number.isFinite(field) ? field : fallback;
  };
  if (!fields.has("path")) return undefined;
  return {
    time: number("time"),
    direction: text("direction") === "in" ? "in" : "out",
    src: text("src"),
    dst: text("dst"),
    tls: fields.get("tls") === true,
    srcId: text("srcId"),
    dstId: text("dstId"),
    method: text("method"),
    scheme: text("scheme"),
    authority: text("authority"),
    path: text("path"),
    status: number("status"),
    grpcStatus: number("grpcStatus", -1),
    grpcMessage: text("grpcMessage"),
    flags: text("flags"),
    details: text("details"),
    cluster: text("cluster"),
    route: text("route"),
    latencyMs: number("latencyMs", -1),
    durationMs: number("durationMs"),
    bytesIn: number("bytesIn"),
    bytesOut: number("bytesOut"),
    ...(fields.get("usualHeadersOnly") === true ? { usualHeadersOnly: true } : {}),
    requestHeaders: pairs(fields.get("requestHeaders")),
    responseHeaders: pairs(fields.get("responseHeaders")),
  };
}

function pairs(value: unknown): readonly (readonly [string, string])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) =>
    Array.isArray(item) ? [[String(item[0] ?? ""), String(item[1] ?? "")] as const] : [],
  );
}
