import { expect, test } from "bun:test";
import { exitStatus, parseResize } from "./command-status.ts";
import { negotiate } from "./negotiate.ts";

const KNOWN = { websocket: ["v5.channel.k8s.io"], spdy: ["v4.channel.k8s.io", "channel.k8s.io"] };

test("the first protocol of the client that is known wins", () => {
  const chosen = negotiate(
    { upgrade: "SPDY/3.1", "x-stream-protocol-version": "v9.channel.k8s.io, v4.channel.k8s.io" },
    KNOWN,
  );
  expect(chosen.kind === "spdy" && chosen.protocol).toBe("v4.channel.k8s.io");
  expect(chosen.kind === "spdy" && chosen.answer).toEndWith("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n");
});

test("unknown protocols and plain requests are refused", () => {
  expect(
    negotiate({ upgrade: "websocket", "sec-websocket-protocol": "x", "sec-websocket-key": "k" }, KNOWN),
  ).toMatchObject({ status: 400 });
  expect(negotiate({ upgrade: "spdy/3.1", "x-stream-protocol-version": "x" }, KNOWN)).toMatchObject({ status: 403 });
  expect(negotiate({}, KNOWN)).toMatchObject({ status: 400 });
});

test("exit codes travel as kubectl reads them", () => {
  expect(JSON.parse(exitStatus(3, true) ?? "")).toMatchObject({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] },
  });
  expect(JSON.parse(exitStatus(0, true) ?? "")).toMatchObject({ status: "Success" });
  expect(exitStatus(0, false)).toBeUndefined();
});

test("only sane window sizes are taken", () => {
  expect(parseResize('{"Width":80,"Height":24}')).toEqual({ columns: 80, rows: 24 });
  for (const bad of ["", "{}", "[]", '{"Width":0,"Height":1}', '{"Width":"a","Height":1}'])
    expect(parseResize(bad)).toBeUndefined();
});
