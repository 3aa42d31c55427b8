import { expect, test } from "bun:test";
import { startProbeServer } from "./admin-server.ts";

test("port 0 is any that is free, and is told", async () => {
  const server = startProbeServer({ notReady: () => undefined, metrics: async () => "" }, "127.0.0.1", 0);
  try {
    expect(server.port).toBeGreaterThan(0);
    expect((await fetch(`http://127.0.0.1:${server.port}/healthz/ready`)).status).toBe(200);
  } finally {
    await server.close();
  }
});
