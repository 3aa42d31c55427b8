import { expect, test } from "bun:test";
import type { NamedTapEvent } from "@heddle/viz/contract";
import { groupFailures } from "./failure-groups.ts";

const event: NamedTapEvent = {
  time: 0,
  direction: "out",
  src: "10.0.0.1:4000",
  dst: "10.0.0.2:80",
  tls: true,
  srcId: "",
  dstId: "",
  method: "GET",
  scheme: "http",
  authority: "web-svc:80",
  path: "/a?secret=1",
  status: 200,
  grpcStatus: -1,
  grpcMessage: "",
  flags: "-",
  details: "",
  cluster: "outbound|80||web-svc.x.svc.cluster.local",
  route: "",
  latencyMs: 2,
  durationMs: 3,
  bytesIn: 0,
  bytesOut: 5,
  requestHeaders: [],
  responseHeaders: [],
  namespace: "x",
  pod: "bot-1",
  srcName: "bot",
  srcNamespace: "x",
  srcPod: "bot-1",
  dstName: "web",
  dstNamespace: "x",
  dstPod: "web-1",
};

test("each group has a key of its own that stays when its newest call changes", () => {
  const failed = { ...event, status: 503 };
  const keys = (events: readonly NamedTapEvent[]) => groupFailures(events).map(({ key }) => key);
  const both = keys([
    { ...failed, flags: "UF" },
    { ...failed, flags: "UH" },
  ]);
  expect(new Set(both).size).toBe(2);
  expect(keys([{ ...failed, path: "/?b" }])).toEqual(keys([{ ...failed, path: "/?a" }]));
});
