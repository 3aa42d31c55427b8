import { expect, test } from "bun:test";
import type { KubeClient } from "@heddle/kube-client";
import { liveCalls } from "./live-calls.ts";

test("what a browser does not read does not pile up", async () => {
  const said = 5000;
  const event = JSON.stringify({ direction: "in", path: "/", srcName: "web", requestHeaders: [] });
  // In one piece, so that nobody can read in between.
  const piece = new TextEncoder().encode(`${event}\n`.repeat(said) + `${JSON.stringify({ problem: "that is all" })}\n`);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(piece);
      controller.close();
    },
  });
  const kube = { request: async () => new Response(body) };
  const request = new Request("http://dashboard/api/tap?namespace=shop&name=web");
  const answer = await liveCalls(kube as unknown as KubeClient, request);
  const reader = answer?.body?.getReader();
  let text = "";
  while (!text.includes("that is all")) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) break;
    text += typeof value === "string" ? value : new TextDecoder().decode(value);
  }
  await reader?.cancel();
  const events = text.split(event).length - 1;
  expect(events).toBeGreaterThan(900);
  expect(events).toBeLessThan(1100);
});
