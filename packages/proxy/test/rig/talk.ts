import { createConnection } from "node:net";

/** Bytes that a client sends, from where, to where. */
export interface Talk {
  readonly port: number;
  /** Default: 127.0.0.1, as for `from`. */
  readonly to?: string;
  readonly from?: string;
  readonly send: string | Uint8Array;
  /** The client has what it wants. Default: it waits for the end. */
  readonly until?: (received: string) => boolean;
}

export interface Heard {
  /** Latin-1. */
  readonly text: string;
  readonly end: "orderly" | "reset" | "enough";
  /** The client's own port. */
  readonly localPort: number;
}

/** One connection: sends everything at once and listens until the end, or until it has enough. Errors: nothing of both within 8 s. */
export function talk({ port, to = "127.0.0.1", from = "127.0.0.1", send, until }: Talk): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: to, port, localAddress: from });
    let text = "";
    let localPort = 0;
    const over = setTimeout(() => {
      reject(new Error(`no end within 8 s; got ${JSON.stringify(text)}`));
      socket.destroy();
    }, 8000);
    const finish = (end: Heard["end"]) => {
      clearTimeout(over);
      resolve({ text, end, localPort });
      socket.destroy();
    };
    socket.on("connect", () => {
      localPort = socket.localPort ?? 0;
      if (send.length > 0) socket.write(typeof send === "string" ? Buffer.from(send, "latin1") : send);
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (until?.(text) === true) finish("enough");
    });
    socket.on("end", () => finish("orderly"));
    socket.on("error", () => finish("reset"));
    socket.on("close", () => finish("orderly"));
  });
}
