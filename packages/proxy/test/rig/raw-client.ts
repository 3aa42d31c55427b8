import { createConnection, type Socket } from "node:net";

/** A TCP connection that a test writes bytes to and reads bytes from. */
export interface RawClient {
  readonly socket: Socket;
  send(bytes: string | Uint8Array): void;
  /** Waits until `done` is true of everything received. Errors: what had come when the time was over. */
  until(done: (received: string) => boolean, timeoutMs?: number): Promise<string>;
  /** Waits for the other side's end. */
  ended(timeoutMs?: number): Promise<string>;
  received(): string;
  /** "open", or how it ended. */
  state(): "open" | "ended" | "reset";
  close(): void;
}

/** Connects. Received bytes are kept as Latin-1 text. */
export async function connectRaw(port: number, host = "127.0.0.1"): Promise<RawClient> {
  const socket = createConnection({ host, port, allowHalfOpen: true });
  let received = "";
  let state: "open" | "ended" | "reset" = "open";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
  });
  socket.on("end", () => {
    if (state === "open") state = "ended";
  });
  socket.on("error", () => {
    state = "reset";
  });
  socket.on("close", () => {
    if (state === "open") state = "ended";
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  const wait = async (what: string, done: () => boolean, timeoutMs: number, open: boolean) => {
    const deadline = performance.now() + timeoutMs;
    while (!done()) {
      // Nothing more can come over a connection that has ended.
      if (performance.now() > deadline || (open && state !== "open"))
        throw new Error(`${what} not within ${timeoutMs} ms; ${state}; got ${JSON.stringify(received.slice(-600))}`);
      await Bun.sleep(5);
    }
    return received;
  };
  return {
    socket,
    send: (bytes) => void socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    until: (done, timeoutMs = 40_000) => wait("the expected bytes came", () => done(received), timeoutMs, true),
    ended: (timeoutMs = 40_000) => wait("the end came", () => state !== "open", timeoutMs, false),
    received: () => received,
    state: () => state,
    close: () => void socket.destroy(),
  };
}

/** How long the first byte of an answer may take on a busy machine. Units: ms. */
const FIRST_BYTE_MS = 8000;

/**
 * Sends bytes and waits for the end of the connection, or `quietMs` without further bytes, also while `others` were answered: a busy machine is
 * silent, too.
 */
export async function exchangeRaw(
  port: number,
  bytes: string | Uint8Array,
  quietMs: number,
  others: () => Promise<unknown>,
): Promise<RawClient> {
  const client = await connectRaw(port);
  client.send(bytes);
  let before = 0;
  let since = performance.now();
  while (client.state() === "open") {
    const size = client.received().length;
    if (size !== before) {
      before = size;
      since = performance.now();
    } else if (performance.now() - since > (size === 0 ? FIRST_BYTE_MS : quietMs)) {
      await others();
      if (client.received().length === size) break;
    }
    await Bun.sleep(10);
  }
  return client;
}
