import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { parseIp } from "@heddle/std";
import { createRequestHead, headerEntries } from "@heddle/wire";
import { RouteSchema } from "../config/proto.ts";
import { RETRY_ON } from "../config/retry-policy.ts";
import { decodeRoute } from "../config/route.ts";
import { createScope } from "../config/scope.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { askedAction, isInternal } from "./internal-request.ts";

const request = (headers: Readonly<Record<string, string>>) => {
  const head = createRequestHead();
  for (const [name, value] of Object.entries(headers)) head.headers.append(name, value);
  return head;
};
const ranges = [{ bytes: parseIp("10.0.0.0") ?? new Uint8Array(4), prefixLength: 8 }];

test.each([
  ["10.1.1.1", true, 0, {}, true],
  ["11.1.1.1", true, 0, {}, false],
  ["10.1.1.1", true, 1, {}, true],
  // Somebody stands between.
  ["10.1.1.1", true, 0, { "x-forwarded-for": "10.1.1.2" }, false],
  ["11.1.1.1", false, 0, { "x-forwarded-for": " 10.1.1.2 " }, true],
  ["10.1.1.1", false, 0, {}, false],
  ["10.1.1.1", false, 0, { "x-forwarded-for": "10.1.1.2,10.1.1.3" }, false],
  ["10.1.1.1", false, 1, { "x-forwarded-for": "10.1.1.2" }, false],
  ["10.1.1.1", false, 0, { "x-forwarded-for": "me" }, false],
] as const)("from %s, edge: %p, trusted: %p, %o", (ip, useRemoteAddress, trustedHops, headers, expected) => {
  const info = { remote: { ip, port: 1 } } as ConnectionInfo;
  expect(isInternal(ranges, { useRemoteAddress, trustedHops }, info, request(headers).headers)).toBe(expected);
});

const plain = () => {
  const message = create(RouteSchema, {
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: "a" } } },
  });
  const route = decodeRoute(message, { maxDirectBytes: 10, retry: undefined, mirrors: [] } as never, createScope());
  if (route?.action.kind !== "forward") throw new Error("no route");
  return route.action;
};

test.each([
  [{}, 15_000, undefined],
  [{ "x-envoy-upstream-rq-timeout-ms": "70" }, 70, undefined],
  [{ "x-envoy-upstream-rq-timeout-ms": "soon" }, 15_000, undefined],
  [{ "x-envoy-max-retries": "3" }, 15_000, undefined],
  [{ "x-envoy-retry-on": "nonsense,cancelled" }, 15_000, undefined],
  [{ "x-envoy-retry-on": "5xx, reset" }, 15_000, [RETRY_ON["5xx"] | RETRY_ON.reset, 1, 0]],
  [{ "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "0" }, 15_000, [RETRY_ON["5xx"], 0, 0]],
  [{ "x-envoy-retry-grpc-on": "cancelled,5xx" }, 15_000, [RETRY_ON.cancelled, 1, 0]],
  [{ "x-envoy-upstream-rq-per-try-timeout-ms": "50" }, 15_000, [0, 1, 50]],
  [{ "x-envoy-upstream-rq-per-try-timeout-ms": "50", "x-envoy-upstream-rq-timeout-ms": "40" }, 40, undefined],
] as const)("%o", (headers, timeoutMs, retry) => {
  const head = request({ ...headers, "x-else": "stays" });
  const action = askedAction(plain(), head);
  expect(action.timeoutMs).toBe(timeoutMs);
  const { retry: found } = action;
  expect(found && [found.on, found.retries, found.perTryTimeoutMs]).toEqual(retry as never);
  expect(headerEntries(head.headers)).toEqual([["x-else", "stays"]]);
});
