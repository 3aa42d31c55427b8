/** The client of the traffic tests: does what `POST /calls` asks from inside of its pod, so that its sidecar carries it; `GET` says who it is. Port 8090. */
import { connect } from "node:net";
import type { Answer, Call } from "./call.ts";

async function http(call: Call): Promise<Answer> {
  const started = performance.now();
  try {
    const response = await fetch(call.url, {
      method: call.method ?? "GET",
      headers: { ...call.headers },
      redirect: "manual",
      ...(call.ca === undefined ? {} : { tls: { ca: call.ca } }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const { status, headers } = response;
    return { status, headers: Object.fromEntries(headers), text, ms: performance.now() - started };
  } catch (error) {
    return { status: 0, headers: {}, text: String(error), ms: performance.now() - started };
  }
}

function tcp(call: Call): Promise<Answer> {
  const { hostname, port } = new URL(call.url);
  const started = performance.now();
  return new Promise((resolve) => {
    let text = "";
    const end = (status: number) => resolve({ status, headers: {}, text, ms: performance.now() - started });
    const socket = connect(Number(port), hostname, () => socket.write("hello\n"));
    socket.setTimeout(5000, () => socket.destroy(new Error("timed out")));
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.on("error", (error) => {
      text += String(error);
    });
    socket.on("close", () => end(text === "" ? 0 : 200));
  });
}

Bun.serve({
  port: 8090,
  idleTimeout: 120,
  async fetch(request) {
    if (request.method === "GET")
      return Response.json({ pod: "caller", version: "caller", headers: Object.fromEntries(request.headers) });
    const { call, times, parallel } = (await request.json()) as { call: Call; times: number; parallel: boolean };
    const one = () => (call.url.startsWith("tcp:") ? tcp(call) : http(call));
    if (parallel) return Response.json(await Promise.all(Array.from({ length: times }, one)));
    const answers: Answer[] = [];
    for (let i = 0; i < times; i++) answers.push(await one());
    return Response.json(answers);
  },
});
