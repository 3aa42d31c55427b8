// Hot path: once per try of requests whose route hashes or selects a subset.
import type { HeaderList, RequestHead } from "@heddle/wire";
import type { StateValue } from "../config/filter-state.ts";
import type { HashPolicy } from "../config/hash-policy.ts";
import { hash64 } from "../upstream/consistent-hash.ts";
import { queryValue } from "./route-matcher.ts";

const MASK = (1n << 64n) - 1n;

/** Hash of the parts that the policies name; undefined when the request has none of them. Source: Envoy `HashPolicyImpl::generateHash`. */
export function hashRequest(
  policies: readonly HashPolicy[],
  request: RequestHead,
  clientIp: string,
  state: (key: string) => StateValue | undefined,
): bigint | undefined {
  let hash: bigint | undefined;
  for (const policy of policies) {
    const value = partOf(policy, request, clientIp, state);
    if (value !== undefined) {
      const next = hash64(value);
      hash = hash === undefined ? next : (((hash << 1n) | (hash >> 63n)) & MASK) ^ next;
    }
    if (policy.terminal && hash !== undefined) break;
  }
  return hash;
}

function partOf(
  policy: HashPolicy,
  request: RequestHead,
  clientIp: string,
  state: (key: string) => StateValue | undefined,
): string | undefined {
  switch (policy.kind) {
    case "header": {
      const value = policy.name === ":authority" ? request.authority : request.headers.get(policy.name);
      return value === undefined ? undefined : (policy.rewrite?.apply(value) ?? value);
    }
    case "cookie":
      return cookieValue(request, policy.name);
    case "source-ip":
      return clientIp;
    case "query":
      return queryValue(request.path, policy.name);
    case "filter-state": {
      const value = state(policy.key);
      return value?.hashable === true ? value.text : undefined;
    }
  }
}

/** Value of a cookie of the request. */
export function cookieValue(request: RequestHead, name: string): string | undefined {
  return cookieIn(request.headers, name);
}

/** Value of a cookie in the lines that clients send. Source: Envoy `parseCookieValue`. */
export function cookieIn(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i++) {
    if (headers.nameAt(i) !== "cookie") continue;
    for (const part of headers.valueAt(i).split(";")) {
      const equals = part.indexOf("=");
      if (equals > 0 && part.slice(0, equals).trim() === name) {
        const value = part.slice(equals + 1).trim();
        return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
      }
    }
  }
  return undefined;
}

/** Cookies that the proxy makes so that a client comes back to the same host. */
export function missingCookie(policies: readonly HashPolicy[], request: RequestHead): HashPolicy | undefined {
  return policies.find(
    (policy) =>
      policy.kind === "cookie" && policy.ttlSeconds !== undefined && cookieValue(request, policy.name) === undefined,
  );
}
