import type { ResponseHead } from "@heddle/wire";
import type { ProxyStatusConfig } from "../config/proxy-status.ts";
import type { ExchangeRecord } from "./exchange-record.ts";

/** Response flags and what they are called in the standard, the weightiest first. Source: Envoy `ProxyStatusUtils::fromStreamInfo`. */
const ERRORS: readonly (readonly [flag: string, error: string])[] = [
  ["LH", "destination_unavailable"],
  ["UH", "destination_unavailable"],
  ["UT", "http_response_timeout"],
  ["DT", "connection_timeout"],
  ["LR", "connection_timeout"],
  ["UR", "connection_terminated"],
  ["UF", "connection_refused"],
  ["UAEX", "connection_refused"],
  ["UC", "connection_terminated"],
  ["OM", "connection_limit_reached"],
  ["DO", "connection_limit_reached"],
  ["FI", "http_request_error"],
  ["DC", "connection_terminated"],
  ["DR", "connection_terminated"],
  ["UO", "connection_limit_reached"],
  ["NR", "destination_not_found"],
  ["RL", "connection_limit_reached"],
  ["RLSE", "connection_limit_reached"],
  ["URX", "destination_unavailable"],
  ["SI", "http_response_timeout"],
  ["IH", "http_request_error"],
  ["DPE", "http_request_error"],
  ["UMSDR", "http_response_timeout"],
  ["NFCF", "proxy_configuration_error"],
  ["UPE", "http_protocol_error"],
  ["NC", "destination_unavailable"],
  ["DF", "dns_error"],
];

/** Source: RFC 9209 2.3, as Envoy reads it: of requests that were wrong the status says more. */
const RECOMMENDED: Readonly<Record<string, number>> = {
  dns_error: 502,
  destination_not_found: 500,
  destination_unavailable: 503,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_limit_reached: 503,
  http_response_timeout: 504,
  http_protocol_error: 502,
  proxy_configuration_error: 500,
};

/** Says in an answer what went wrong, when something did. `nodeId`: for those whose name is the node's. */
export function writeProxyStatus(
  config: ProxyStatusConfig,
  record: Pick<ExchangeRecord, "flags" | "details">,
  head: ResponseHead,
  nodeId: string,
): void {
  const flags = record.flags.split(",");
  const error = ERRORS.find(([flag]) => flags.includes(flag))?.[1];
  if (error === undefined) return;
  let text = `${config.name ?? nodeId}; error=${error}`;
  if (config.details) {
    const details = config.flags ? `${record.details}; ${record.flags}` : record.details;
    text += `; details="${escaped(details)}"`;
  }
  head.headers.append("proxy-status", text);
  const status = RECOMMENDED[error];
  if (config.recommendedStatus && status !== undefined) head.status = status;
}

function escaped(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}
