import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import { AT_END, decodeHttpLogTiming, decodeTcpLogTiming } from "./log-timing.ts";
import { HttpConnectionManagerSchema, TcpProxySchema } from "./proto.ts";
import { createScope } from "./scope.ts";

const accessLog = [create(AccessLogSchema)];
const HALF = { seconds: 0n, nanos: 500_000_000 };

const tcp = (fields: MessageInitShape<typeof TcpProxySchema>) => {
  const scope = createScope();
  const timing = decodeTcpLogTiming(create(TcpProxySchema, { accessLog, ...fields }), scope);
  return { timing, problems: scope.problems.map(({ path, reason }) => `${path}: ${reason}`) };
};
const http = (fields: MessageInitShape<typeof HttpConnectionManagerSchema>) => {
  const scope = createScope();
  const timing = decodeHttpLogTiming(create(HttpConnectionManagerSchema, { accessLog, ...fields }), scope);
  return { timing, problems: scope.problems.map(({ path, reason }) => `${path}: ${reason}`) };
};

test("without a setting, or without a log, it is the one that costs nothing", () => {
  expect(tcp({}).timing).toBe(AT_END);
  expect(tcp({ accessLogOptions: {} }).timing).toBe(AT_END);
  expect(tcp({ accessLog: [], accessLogFlushInterval: HALF }).timing).toBe(AT_END);
  expect(http({}).timing).toBe(AT_END);
  expect(http({ accessLog: [], flushAccessLogOnNewRequest: true }).timing).toBe(AT_END);
});

test("TCP: the options and the older fields", () => {
  const accessLogOptions = {
    accessLogFlushInterval: HALF,
    flushAccessLogOnConnected: true,
    flushAccessLogOnStart: true,
  };
  expect(tcp({ accessLogOptions })).toEqual({
    timing: { intervalMs: 500, atStart: true, whenConnected: true },
    problems: [],
  });
  expect(tcp({ accessLogFlushInterval: HALF, flushAccessLogOnConnected: true }).timing).toEqual({
    intervalMs: 500,
    atStart: false,
    whenConnected: true,
  });
});

test("HTTP: the options and the older fields", () => {
  const accessLogOptions = {
    accessLogFlushInterval: HALF,
    flushAccessLogOnNewRequest: true,
    flushLogOnTunnelSuccessfullyEstablished: true,
  };
  expect(http({ accessLogOptions })).toEqual({
    timing: { intervalMs: 500, atStart: true, whenConnected: true },
    problems: [],
  });
  expect(http({ accessLogFlushInterval: HALF, flushAccessLogOnNewRequest: true }).timing).toEqual({
    intervalMs: 500,
    atStart: true,
    whenConnected: false,
  });
});

test("both ways at once, and intervals that are too short or negative, are refused with their place", () => {
  const both = "stands beside access_log_options; say it there, and leave this one out";
  expect(tcp({ accessLogOptions: {}, accessLogFlushInterval: HALF, flushAccessLogOnConnected: true }).problems).toEqual(
    [`access_log_flush_interval: ${both}`, `flush_access_log_on_connected: ${both}`],
  );
  expect(
    http({ accessLogOptions: {}, accessLogFlushInterval: HALF, flushAccessLogOnNewRequest: true }).problems,
  ).toEqual([`access_log_flush_interval: ${both}`, `flush_access_log_on_new_request: ${both}`]);
  const short = "the interval between two lines must be 1 ms at least";
  expect(tcp({ accessLogFlushInterval: { seconds: 0n, nanos: 999_999 } }).problems).toEqual([
    `access_log_flush_interval: ${short}`,
  ]);
  expect(http({ accessLogOptions: { accessLogFlushInterval: { seconds: 0n, nanos: 0 } } }).problems).toEqual([
    `access_log_options.access_log_flush_interval: ${short}`,
  ]);
  expect(tcp({ accessLogFlushInterval: { seconds: -1n, nanos: 0 } }).problems).toEqual([
    "access_log_flush_interval: a duration here must not be negative",
  ]);
});
