import { afterAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { eventually } from "../../test/rig/eventually.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel } from "../transport/kernel.ts";
import { type BoundPort, createNetwork, type Network } from "../transport/network.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { createFlow } from "./flow.ts";

const READS_A_TURN = 8;
const ports: BoundPort[] = [];
const clients: Socket[] = [];
afterAll(() => {
  for (const port of ports) port.stop();
  for (const client of clients) client.destroy();
});

async function open(network: Network): Promise<{ client: Socket; own: StreamConnection }> {
  let accepted: StreamConnection | undefined;
  const bound = network.listen({ ip: "127.0.0.1", port: 0 }, (connection) => {
    accepted = connection;
  });
  ports.push(bound);
  const client = connect({ host: "127.0.0.1", port: "port" in bound.address ? bound.address.port : 0 });
  client.on("error", () => undefined);
  clients.push(client);
  return { client, own: await eventually("the connection", () => accepted) };
}

/** What the sender's client writes goes to the receiver's; events as the TCP proxy passes them on. */
async function openFlow() {
  const kernel = createKernel();
  const turns: number[] = [0];
  const receive = kernel.receive.bind(kernel);
  kernel.receive = (fd) => {
    turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
    return receive(fd);
  };
  const network = createNetwork(kernel, createFlushQueue());
  const sender = await open(network);
  const receiver = await open(network);
  let counted = 0;
  const flow = createFlow(sender.own, receiver.own, (bytes) => {
    counted += bytes;
  });
  sender.own.handler = {
    onData: (chunk) => flow.pass(chunk),
    onEnd: () => receiver.own.shutdown(),
    onDrain() {},
    onClose() {},
  };
  receiver.own.handler = {
    onData() {},
    onEnd() {},
    onDrain: () => flow.drained(),
    onClose() {},
  };
  return { sender, receiver, turns, counted: () => counted };
}

/** No two places of it look alike. */
function pattern(bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2_654_435_761);
  return Buffer.from(words.buffer);
}

test("bulk arrives byte for byte and then the end, other sockets have their turns, a receiver that is slow is not sent ahead of", async () => {
  const { sender, receiver, turns, counted } = await openFlow();
  const sent = pattern(24 << 20);
  const got = new Bun.CryptoHasher("sha256");
  let arrived = 0;
  let ended = false;
  let most = 0;
  receiver.client.on("data", (chunk: Buffer) => {
    got.update(chunk);
    arrived += chunk.length;
  });
  receiver.client.on("end", () => {
    ended = true;
  });
  receiver.client.pause();
  // A turn of the event loop that this test has for itself.
  const watch = () => {
    turns.push(0);
    most = Math.max(most, receiver.own.output.length);
    if (!ended) setImmediate(watch);
  };
  watch();
  sender.client.end(sent);
  let before = -1;
  await eventually("the receiver is full", () => {
    const full = counted() > 0 && counted() === before;
    before = counted();
    return full;
  });
  expect(counted()).toBeLessThan(sent.length);
  receiver.client.resume();
  await eventually("the end", () => ended);
  expect(arrived).toBe(sent.length);
  expect(counted()).toBe(sent.length);
  expect(got.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(sent).digest("hex"));
  // Of a turn that was given to it, of an event of the sender, and of one of the receiver.
  expect(Math.max(...turns)).toBeLessThanOrEqual(3 * READS_A_TURN);
  expect(turns.reduce((sum, reads) => sum + reads)).toBeGreaterThan(READS_A_TURN);
  // One chunk of the runtime, at most.
  expect(most).toBeLessThanOrEqual(512 << 10);
});

test("a receiver that drains within a write gets the chunk first, then what is read ahead", () => {
  const waiting = ["c", "d"];
  const written: string[] = [];
  const output = { length: 0 };
  const flow = createFlow(
    {
      readAhead: () => {
        const next = waiting.shift();
        return next === undefined ? undefined : Buffer.from(next);
      },
      recycle() {},
      pause() {},
      resume() {},
    },
    {
      output,
      writable: true,
      write: (bytes) => {
        // As the connection does: what waits goes first, and the kernel takes it all now.
        if (output.length > 0) {
          output.length = 0;
          flow.drained();
        }
        written.push(Buffer.from(bytes.subarray(0, 1)).toString());
        if (written.length === 1) output.length = 1;
      },
    },
    () => undefined,
  );
  flow.pass(Buffer.alloc(65_536, "a"));
  // The sender is held now; its next chunk was on its way already.
  flow.pass(Buffer.from("b"));
  expect(written).toEqual(["a", "b", "c", "d"]);
});
