import type { IncomingHttpHeaders } from "node:http";
import { Metadata } from "@grpc/grpc-js";

/** Headers by which proxies know that two calls belong together; a program passes on what it got. */
const NAMES = [
  "x-request-id",
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "uber-trace-id",
  "x-datadog-trace-id",
  "x-datadog-parent-id",
  "x-datadog-sampling-priority",
];

/** The trace headers of a request, for the calls that it causes. */
export function traceOf(headers: IncomingHttpHeaders): Metadata {
  const metadata = new Metadata();
  for (const name of NAMES) {
    const value = headers[name];
    if (typeof value === "string") metadata.set(name, value);
  }
  return metadata;
}
