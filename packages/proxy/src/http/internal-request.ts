// Hot path where addresses count as internal: once per request.
import { type Cidr, cidrContains, parseIp } from "@heddle/std";
import { HEADER_ID, type HeaderList, type RequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import { PLAIN_RETRY, RETRY_ON, type RetryPolicyConfig, readRetryOn } from "../config/retry-policy.ts";
import type { ForwardAction } from "../config/route-action.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";

const X_FORWARDED_FOR = HEADER_ID["x-forwarded-for"];
const X_ENVOY_INTERNAL = HEADER_ID["x-envoy-internal"];

/** Whether a request comes from an internal address, before this proxy writes into its headers. Source: Envoy `mutateRequestHeaders`. */
export function isInternal(
  addresses: readonly Cidr[],
  config: Pick<HttpManagerConfig, "useRemoteAddress" | "trustedHops">,
  info: ConnectionInfo,
  headers: HeaderList,
): boolean {
  let ip: string | undefined;
  if (config.useRemoteAddress) ip = headers.hasId(X_FORWARDED_FOR) ? undefined : info.remote.ip;
  else if (config.trustedHops === 0) ip = headers.getAllId(X_FORWARDED_FOR)?.trim();
  // A list of several addresses is no address.
  const bytes = ip === undefined ? undefined : parseIp(ip);
  return bytes !== undefined && addresses.some((range) => cidrContains(range, bytes));
}

/** Whether a request was found to be internal. */
export function markedInternal(headers: HeaderList): boolean {
  return headers.hasId(X_ENVOY_INTERNAL);
}

/** The route's action with the times and tries that an internal client asks for; its own where it asks for none. Source: Envoy's router. */
export function askedAction(action: ForwardAction, { headers }: RequestHead): ForwardAction {
  const total = take(headers, "x-envoy-upstream-rq-timeout-ms");
  const perTry = take(headers, "x-envoy-upstream-rq-per-try-timeout-ms");
  const retries = take(headers, "x-envoy-max-retries");
  const on = takeText(headers, "x-envoy-retry-on");
  const grpcOn = takeText(headers, "x-envoy-retry-grpc-on");
  const codes = takeText(headers, "x-envoy-retriable-status-codes");
  const names = takeText(headers, "x-envoy-retriable-header-names");
  const asked = on ?? grpcOn ?? perTry ?? (action.retry === undefined ? undefined : (retries ?? codes ?? names));
  if (total === undefined && asked === undefined) return action;
  const timed = total === undefined ? action : { ...action, timeoutMs: total, maxGrpcTimeoutMs: undefined };
  if (asked === undefined) return timed;
  const before = action.retry ?? PLAIN_RETRY;
  const perTryTimeoutMs = perTry ?? before.perTryTimeoutMs;
  const retry: RetryPolicyConfig = {
    ...before,
    on: before.on | readRetryOn(on ?? "", false) | readRetryOn(grpcOn ?? "", true),
    retries: retries ?? before.retries,
    // As long as all tries together it limits nothing.
    perTryTimeoutMs: timed.timeoutMs > 0 && perTryTimeoutMs >= timed.timeoutMs ? 0 : perTryTimeoutMs,
    statusCodes: codes === undefined ? before.statusCodes : new Set([...before.statusCodes, ...numbers(codes)]),
    headers:
      names === undefined
        ? before.headers
        : [
            ...before.headers,
            ...names
              .split(",")
              .map((name) => name.trim().toLowerCase())
              .filter((name) => name !== "")
              .map((name) => ({
                name,
                id: 0,
                test: { kind: "present", present: true } as const,
                invert: false,
                missingIsEmpty: false,
              })),
          ],
  };
  // Conditions that nothing says when they hold are none.
  const idle = (retry.on & ~(RETRY_ON["retriable-headers"] | RETRY_ON["retriable-status-codes"])) === 0;
  const none = idle && retry.headers.length === 0 && retry.statusCodes.size === 0 && retry.perTryTimeoutMs === 0;
  return none ? timed : { ...timed, retry };
}

function takeText(headers: HeaderList, name: string): string | undefined {
  const value = headers.get(name);
  if (value !== undefined) headers.remove(name);
  return value;
}

function take(headers: HeaderList, name: string): number | undefined {
  const text = takeText(headers, name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function numbers(list: string): readonly number[] {
  return list.split(",").map(Number).filter(Number.isInteger);
}
