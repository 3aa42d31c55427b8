import { redactText } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import type { TapEvent } from "@heddle/std/tap-event";
import { RequestMethod } from "@heddle/xds-api/envoy/config/core/v3/base";
import type { HTTPAccessLogEntry } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { tapPage } from "../admin/tap-page.ts";
import { cut, isFailure, shownHeaders, type TapFeed, type TapSource } from "../telemetry/tap-feed.ts";
import { addressOf } from "./entry-attributes.ts";
import { type EnvoyRequest, millis } from "./envoy-report.ts";

/** Where the agent shows what its Envoy reports: Envoy's own admin page has no such thing. Source: Istio's agent has debug pages there. */
export const ENVOY_TAP_PORT = 15_004;

/** Shows a request that Envoy has reported, to whoever watches. */
export function tapRequest(tap: TapSource, entry: HTTPAccessLogEntry, request: EnvoyRequest): void {
  const failed = isFailure(request);
  if (tap.wanted(failed)) tap.show(describe(entry, request), failed);
}

/** What Envoy does not report is left out: headers that are not among those that the control plane names. */
function describe(entry: HTTPAccessLogEntry, request: EnvoyRequest): TapEvent {
  const { commonProperties: common, request: head, response } = entry;
  const inbound = request.direction === "inbound";
  const firstByte = common?.timeToFirstUpstreamRxByte;
  const present = (name: string, value = ""): [string, string][] => (value === "" ? [] : [[name, value]]);
  const headers = Object.entries(head?.requestHeaders ?? {});
  return {
    time: common?.startTime === undefined ? 0 : millis(common.startTime),
    direction: inbound ? "in" : "out",
    src: addressOf(common?.downstreamRemoteAddress),
    dst: addressOf((inbound ? undefined : common?.upstreamRemoteAddress) ?? common?.downstreamLocalAddress),
    tls: inbound ? request.principal !== "" : request.upstreamSecure,
    srcId: inbound ? request.principal : "",
    dstId: inbound ? request.localPrincipal : request.upstreamPrincipal,
    method: RequestMethod[head?.requestMethod ?? RequestMethod.METHOD_UNSPECIFIED],
    scheme: head?.scheme ?? "",
    authority: cut(request.authority),
    path: cut(head?.originalPath || (head?.path ?? "")),
    status: request.status,
    grpcStatus: request.grpc ? request.grpcStatus : -1,
    grpcMessage: cut(redactText(response?.responseTrailers["grpc-message"] ?? "")),
    flags: request.flags,
    details: cut(response?.responseCodeDetails || (common?.upstreamTransportFailureReason ?? "")),
    cluster: request.cluster,
    route: common?.routeName ?? "",
    latencyMs: firstByte === undefined ? -1 : millis(firstByte),
    durationMs: request.durationMs,
    bytesIn: request.requestBytes,
    bytesOut: request.responseBytes,
    usualHeadersOnly: true,
    requestHeaders: shownHeaders([
      ...present("user-agent", head?.userAgent),
      ...present("referer", head?.referer),
      ...present("x-forwarded-for", head?.forwardedFor),
      ...present("x-request-id", head?.requestId),
      ...headers,
    ]),
    responseHeaders: shownHeaders(Object.entries({ ...response?.responseHeaders, ...response?.responseTrailers })),
  };
}

/** Serves `/tap` to whoever may forward a port of the pod, as our own proxy does on its admin port. */
export function serveEnvoyTap(tap: TapFeed, forbidden: boolean, now: () => number): { close(): Promise<void> } {
  const server = Bun.serve({
    port: ENVOY_TAP_PORT,
    hostname: "127.0.0.1",
    development: false,
    idleTimeout: 0,
    fetch: (request) => {
      const url = requestUrl(request.url);
      if (url.pathname === "/tap") return tapPage(tap, url, forbidden, now);
      return new Response(`no ${url.pathname} here; there is /tap\n`, { status: 404 });
    },
  });
  return { close: () => server.stop(true) };
}
