import { expect, test } from "bun:test";
import { createSystemClock } from "@heddle/std";
import { dial } from "./dial.ts";
import { createFlushQueue } from "./flush-queue.ts";
import { createKernel } from "./kernel.ts";
import { createNetwork } from "./network.ts";

test("an owner has its dial in hand when it is told, also of a server that is connected at once", async () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const network = createNetwork(createKernel(), createFlushQueue());
  const target = {
    address: { ip: "127.0.0.1", port: server.port },
    tls: undefined,
    timeoutMs: 5000,
    sourceIp: undefined,
    mark: undefined,
    keepAlive: undefined,
  };
  try {
    for (let i = 0; i < 20; i++) {
      let returned = false;
      const told = Promise.withResolvers<boolean>();
      dial(
        network,
        target,
        {
          onConnected: (connection) => {
            told.resolve(returned);
            connection.abort();
          },
          onConnectFailed: ({ message }) => told.reject(new Error(message)),
        },
        createSystemClock(),
      );
      returned = true;
      expect(await told.promise).toBe(true);
    }
  } finally {
    server.stop(true);
  }
});
