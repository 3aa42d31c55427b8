import { GRPC_CODE_NAMES, type NamedTapEvent } from "@heddle/viz";

/** What a stranger sent must not steer the terminal: control characters become visible. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The three lines that Linkerd's tap prints of an exchange: request, response, end. `id` numbers the exchange. */
export function tapLines(event: NamedTapEvent, id: string, wide: boolean): string {
  const place = `id=${id} proxy=${event.direction} src=${event.src} dst=${event.dst} tls=${event.tls}`;
  const names = wide
    ? ` src_workload=${event.srcName} src_pod=${event.srcPod} src_namespace=${event.srcNamespace} dst_workload=${event.dstName} dst_pod=${event.dstPod} dst_namespace=${event.dstNamespace} rt_route=${event.route}`
    : "";
  const head = `:method=${printable(event.method)} :authority=${printable(event.authority)} :path=${printable(event.path)}`;
  const lines = [`req ${place} ${head}${names}`];
  const us = (ms: number) => `${Math.round(ms * 1000)}µs`;
  if (event.status > 0)
    lines.push(`rsp ${place} :status=${event.status} latency=${us(Math.max(0, event.latencyMs))}${names}`);
  const grpc =
    event.grpcStatus >= 0 ? ` grpc-status=${GRPC_CODE_NAMES[event.grpcStatus] ?? `Code(${event.grpcStatus})`}` : "";
  const flags = event.flags === "-" || event.flags === "" ? "" : ` flags=${event.flags}`;
  const since = us(event.latencyMs < 0 ? event.durationMs : event.durationMs - event.latencyMs);
  lines.push(`end ${place}${grpc}${flags} duration=${since} response-length=${event.bytesOut}B${names}`);
  return `${lines.join("\n")}\n`;
}

/** One JSON object, with Linkerd's names. Source: linkerd viz/cmd/tap.go `renderTapEvent -o json`. */
export function tapJson(event: NamedTapEvent, id: string): unknown {
  const [ip, port] = [hostOf, portOf];
  const headers = (list: NamedTapEvent["requestHeaders"]) => list.map(([name, valueStr]) => ({ name, valueStr }));
  return {
    source: {
      ip: ip(event.src),
      port: port(event.src),
      metadata: { workload: event.srcName, pod: event.srcPod, namespace: event.srcNamespace, client_id: event.srcId },
    },
    destination: {
      ip: ip(event.dst),
      port: port(event.dst),
      metadata: {
        workload: event.dstName,
        pod: event.dstPod,
        namespace: event.dstNamespace,
        server_id: event.dstId,
        tls: String(event.tls),
      },
    },
    routeMeta: event.route === "" ? null : { name: event.route },
    proxyDirection: event.direction === "in" ? "INBOUND" : "OUTBOUND",
    requestInitEvent: {
      id,
      time: new Date(event.time).toISOString(),
      method: event.method,
      scheme: event.scheme,
      authority: event.authority,
      path: event.path,
      headers: headers(event.requestHeaders),
    },
    responseInitEvent:
      event.status === 0
        ? null
        : {
            id,
            sinceRequestInitMs: event.latencyMs,
            httpStatus: event.status,
            headers: headers(event.responseHeaders),
          },
    responseEndEvent: {
      id,
      sinceRequestInitMs: event.durationMs,
      responseBytes: event.bytesOut,
      grpcStatusCode: event.grpcStatus < 0 ? null : event.grpcStatus,
      grpcMessage: event.grpcMessage,
      responseFlags: event.flags,
      details: event.details,
    },
  };
}

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(":"));
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));
