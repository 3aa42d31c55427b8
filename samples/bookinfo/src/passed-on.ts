import type { IncomingHttpHeaders } from "node:http";

/** What a service hands to those that it calls for a request: who asked, and the traces' headers. */
const names = [
  "x-request-id",
  "traceparent",
  "tracestate",
  "baggage",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "b3",
  "x-ot-span-context",
  "x-datadog-trace-id",
  "x-datadog-parent-id",
  "x-datadog-sampling-priority",
  "x-cloud-trace-context",
  "uber-trace-id",
  "sw8",
  "end-user",
  "user-agent",
  "authorization",
] as const;

export function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === "string") found[name] = value;
  }
  return found;
}
