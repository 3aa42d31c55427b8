import { expect, test } from "bun:test";
import type { NamedTapEvent } from "@heddle/viz";
import { parseSelector } from "./selector.ts";
import { tapFilter } from "./tap-flags.ts";
import { tapLines } from "./tap-line.ts";
import { createTopTable, renderTop } from "./top-table.ts";

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

test("three lines as Linkerd prints them; control characters do not reach the terminal", () => {
  expect(tapLines({ ...event, path: "/\u001b[2J" }, "1:0", false)).toBe(
    "req id=1:0 proxy=out src=10.0.0.1:4000 dst=10.0.0.2:80 tls=true :method=GET :authority=web-svc:80 :path=/\\x1b[2J\n" +
      "rsp id=1:0 proxy=out src=10.0.0.1:4000 dst=10.0.0.2:80 tls=true :status=200 latency=2000µs\n" +
      "end id=1:0 proxy=out src=10.0.0.1:4000 dst=10.0.0.2:80 tls=true duration=1000µs response-length=5B\n",
  );
});

test("filters by destination, method, path and labels", () => {
  const flags = { maxRps: "100" };
  expect(tapFilter({ ...flags, to: "deploy/web" }, "x")(event)).toBe(true);
  expect(tapFilter({ ...flags, to: "svc/web-svc" }, "x")(event)).toBe(true);
  expect(tapFilter({ ...flags, to: "deploy/other" }, "x")(event)).toBe(false);
  expect(tapFilter({ ...flags, to: "deploy/web", toNamespace: "y" }, "x")(event)).toBe(false);
  expect(tapFilter({ ...flags, method: "post" }, "x")(event)).toBe(false);
  expect(tapFilter({ ...flags, path: "/b" }, "x")(event)).toBe(false);
  expect(parseSelector("app=web,tier")({ app: "web", tier: "1" })).toBe(true);
  expect(parseSelector("app==db")({ app: "web" })).toBe(false);
  expect(() => parseSelector("a in (b)")).toThrow("expected labels");
});

test("top sums up by path without query, and counts what both proxies tell once", () => {
  const table = createTopTable();
  table.add(event);
  table.add({ ...event, durationMs: 9, status: 503 });
  table.add({ ...event, direction: "in", pod: "web-1" });
  expect(renderTop(table.rows, { hideSources: false, routes: false })).toBe(
    "Source   Destination   Method   Path   Count   Best   Worst   Last   Success Rate\n" +
      "bot-1    web-1         GET      /a         2    3ms     9ms    9ms         50.00%\n",
  );
});
