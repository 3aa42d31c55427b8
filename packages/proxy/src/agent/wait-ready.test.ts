import { expect, test } from "bun:test";
import { createSystemClock } from "@heddle/std";
import { readWaitOptions, waitReady } from "./wait-ready.ts";

test("waits through refusals, gives up with the last reason", async () => {
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    fetch: () => (++asked < 3 ? new Response("no certificate yet", { status: 503 }) : new Response("ready")),
  });
  const options = { url: `http://127.0.0.1:${server.port}/`, timeoutMs: 2000, periodMs: 10, requestTimeoutMs: 500 };
  expect(await waitReady(options, createSystemClock())).toBeUndefined();
  asked = -1000;
  expect(await waitReady({ ...options, timeoutMs: 30 }, createSystemClock())).toBe(
    "the sidecar is not ready after 0.03 s: no certificate yet",
  );
  await server.stop(true);
});

test("flags are Istio's", () => {
  const flags: Readonly<Record<string, string>> = { "--timeoutSeconds": "3", "--periodMillis": "x" };
  expect(readWaitOptions((name) => flags[name ?? ""])).toMatchObject({ timeoutMs: 3000, periodMs: 500 });
});
