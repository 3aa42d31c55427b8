import { expect, test } from "bun:test";
import { createNullLogger } from "@heddle/std";
import { freePort } from "@heddle/std/free-ports";
import { startStatusServer } from "./status-server.ts";

test("a health check of HTTP/1.0, without Host, gets its answer", async () => {
  const statusPort = freePort();
  const server = startStatusServer({
    statusPort,
    readinessPort: undefined,
    podIp: "127.0.0.1",
    probers: new Map(),
    appMetrics: undefined,
    log: createNullLogger(),
    notReady: () => undefined,
    metrics: async () => "",
    onQuit: () => undefined,
    onDrain: () => undefined,
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  let got = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port: statusPort,
    socket: {
      open: (socket) => void socket.write("GET /healthz/ready HTTP/1.0\r\n\r\n"),
      data: (_socket, bytes) => {
        got += bytes.toString("latin1");
        if (got.includes("\r\n\r\n")) resolve(got);
      },
      close: () => resolve(got),
    },
  });
  try {
    expect(await promise).toContain(" 200 ");
  } finally {
    await server.close();
  }
});
