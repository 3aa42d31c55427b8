import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:http2";
import { createAuthority, createSelfSignedRoot } from "@heddle/identity";
import { createLogger, createManualClock } from "@heddle/std";
import { createServingCertificate } from "../ca/serving-certificate.ts";
import { createWebhookServer, type WebhookServer } from "./https-server.ts";

const refused: [string, number][] = [];
let server: WebhookServer;
let url: string;

beforeAll(async () => {
  const clock = createManualClock(Date.parse("2026-11-22T08:00:00Z"));
  const log = createLogger({ clock, sink: () => undefined });
  const made = createAuthority(await createSelfSignedRoot("cluster.local", clock.now()), clock.now());
  if (!made.ok) throw new Error("authority");
  const serving = await createServingCertificate({
    authority: () => made.value,
    namespace: "istio-system",
    domain: "cluster.local",
    ttlMs: 3_600_000,
    clock,
    random: () => 0.5,
    log,
  });
  server = createWebhookServer({
    material: serving.material,
    handlers: { "/validate": () => ({ allowed: true }) },
    log,
    onError: (path, status) => void refused.push([path, status]),
  });
  url = `https://127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
});
afterAll(() => server.close());

/** The status of a call with exactly this path. */
function statusOf(method: string, path: string, body = ""): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { rejectUnauthorized: false });
    session.on("error", reject);
    const call = session.request({ ":method": method, ":path": path });
    call.on("error", reject);
    call.on("response", (headers) => {
      resolve(headers[":status"]);
      session.close();
    });
    call.resume();
    call.end(body);
  });
}

test("a path that is no URL is nobody's, and ends nothing but its request", async () => {
  expect(await statusOf("GET", "//")).toBe(404);
  expect(await statusOf("GET", "/ready")).toBe(200);
  expect(refused).toEqual([["//", 404]]);
});

test("what is no review is refused and told", async () => {
  refused.length = 0;
  expect(await statusOf("POST", "/validate", "{}")).toBe(200);
  expect(await statusOf("POST", "/validate", "no JSON")).toBe(400);
  expect(await statusOf("GET", "/validate?timeout=10s")).toBe(405);
  expect(refused).toEqual([
    ["/validate", 400],
    ["/validate", 405],
  ]);
});
