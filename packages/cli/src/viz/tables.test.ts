import { expect, test } from "bun:test";
import type { StatRow } from "@heddle/viz";
import { edgesTable } from "./edges-table.ts";
import { parseResource, parseWindow } from "./resource.ts";
import { statTable } from "./stat-table.ts";

const row = {
  namespace: "emojivoto",
  kind: "deployment",
  name: "emoji",
  meshed: 1,
  pods: 2,
  success: 1,
  rps: 2,
  latencyMsP50: 123,
  latencyMsP95: 123,
  latencyMsP99: 123,
  tcpOpenConnections: 123,
  tcpReadBytesRate: 0,
  tcpWriteBytesRate: 0,
  requests: 120,
  failures: 0,
  unauthorized: 0,
  unauthorizedFailures: 0,
  status: "",
} as const;

test("stat has Linkerd's columns, alignment and number forms", () => {
  const quiet = {
    ...row,
    name: "vote-bot",
    success: null,
    rps: null,
    latencyMsP50: null,
    latencyMsP95: null,
    latencyMsP99: null,
    tcpOpenConnections: 0,
  };
  expect(statTable([row, quiet], { allNamespaces: false, wide: false })).toBe(
    "NAME       MESHED   SUCCESS      RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99   TCP_CONN\n" +
      "emoji         1/2   100.00%   2.0rps         123ms         123ms         123ms        123\n" +
      "vote-bot      1/2         -        -             -             -             -          0\n",
  );
});

test("edges says why not", () => {
  const edge = {
    src: "a",
    dst: "b",
    srcNamespace: "x",
    dstNamespace: "y",
    clientId: "",
    serverId: "",
    secured: false,
    noTlsReason: "the caller has no proxy",
    requests: 1,
    failures: 0,
  };
  expect(edgesTable([edge], false)).toContain("× (the caller has no proxy)");
});

test("resources by alias, plural and name; unknown kinds are named", () => {
  expect(parseResource(["deploy"])).toEqual({ kind: "deployment" });
  expect(parseResource(["deployments", "web"])).toEqual({ kind: "deployment", name: "web" });
  expect(parseResource(["po/web-1"])).toEqual({ kind: "pod", name: "web-1" });
  expect(() => parseResource(["gadget"])).toThrow("gadget: unknown kind");
  expect(parseWindow("90s")).toBe(90_000);
  expect(() => parseWindow("1s")).toThrow("at least 15s");
});

test("pods have their status, as Linkerd's table", () => {
  const pod: StatRow = { ...row, kind: "pod", name: "emoji-1", status: "Running" };
  const [header = "", line = ""] = statTable([pod], { allNamespaces: false, wide: false }).split("\n");
  expect(header).toMatch(/^NAME +STATUS +MESHED /);
  expect(line).toMatch(/^emoji-1 +Running +1\/2 /);
});
