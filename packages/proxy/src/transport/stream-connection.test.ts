import { afterAll, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { eventually } from "../../test/rig/eventually.ts";
import { createFlushQueue } from "./flush-queue.ts";
import { createKernel } from "./kernel.ts";
import { type BoundPort, createNetwork } from "./network.ts";
import type { StreamConnection } from "./stream-connection.ts";

const ECONNRESET = 104;
const ports: BoundPort[] = [];
const clients: Socket[] = [];
afterAll(() => {
  for (const port of ports) port.stop();
  for (const client of clients) client.destroy();
});

/** Connects a client to a connection of ours; `onData` gets what comes. */
async function open(onData: (connection: StreamConnection, chunk: Uint8Array) => void) {
  const kernel = createKernel();
  const received: number[] = [];
  const receive = kernel.receive.bind(kernel);
  kernel.receive = (fd) => {
    const taken = receive(fd);
    received.push(taken);
    return taken;
  };
  const network = createNetwork(kernel, createFlushQueue());
  const endings: string[] = [];
  let accepted: StreamConnection | undefined;
  const bound = network.listen({ ip: "127.0.0.1", port: 0 }, (connection) => {
    accepted = connection;
    connection.handler = {
      onData: (chunk) => onData(connection, chunk),
      onEnd: () => void endings.push("end"),
      onDrain() {},
      onClose: (error) => void endings.push(error?.kind ?? "closed"),
    };
  });
  ports.push(bound);
  const client = createConnection({ host: "127.0.0.1", port: "port" in bound.address ? bound.address.port : 0 });
  client.on("error", () => undefined);
  clients.push(client);
  const connection = await eventually("the connection", () => accepted);
  return { client, connection, endings, received };
}

test("bytes that wait are read ahead, in order and counted", async () => {
  let text = "";
  const { client, connection, endings } = await open((own, chunk) => {
    text += Buffer.from(chunk).toString();
    // More comes while the first chunk is in hand.
    if (text === "one") {
      client.write(" two");
      Bun.sleepSync(50);
    }
    for (let more = own.readAhead(); more !== undefined; more = own.readAhead()) text += Buffer.from(more).toString();
  });
  client.write("one");
  await eventually("both", () => text === "one two");
  expect(connection.bytesIn).toBe(7);
  client.end();
  await eventually("the end", () => endings.includes("end"));
  connection.close();
});

test("a reset that shows while reading ahead is told as a reset, once", async () => {
  let ahead: Uint8Array | undefined = new Uint8Array(1);
  const { client, connection, endings, received } = await open((own) => {
    client.resetAndDestroy();
    Bun.sleepSync(50);
    ahead = own.readAhead();
  });
  client.write("x");
  await eventually("the end", () => connection.closed);
  expect(ahead).toBeUndefined();
  expect(received).toEqual([-ECONNRESET]);
  expect(endings.filter((ending) => ending !== "end")).toEqual(["reset"]);
  expect(connection.readAhead()).toBeUndefined();
});

test("a chunk that was recycled is freed at once", async () => {
  let left = -1;
  const { client } = await open((own, chunk) => {
    own.recycle(chunk);
    left = chunk.length;
  });
  client.write(Buffer.alloc(100_000));
  await eventually("a chunk", () => left >= 0);
  expect(left).toBe(0);
});
