import { createServer, type Socket } from "node:net";
import { END_HEADERS, END_STREAM, frame, H2, H2_PREFACE, readFrames } from "./h2-bytes.ts";

/** An HTTP/2 server that answers requests with 200, and PINGs or not. */
export interface H2Peer {
  readonly port: number;
  /** Types of the frames that came with requests and PINGs, in their order. */
  readonly seen: ("request" | "ping")[];
  /** Connections so far, and those that are open. */
  readonly connections: { total: number; open: number };
  stop(): void;
}

const ACK = 1;
/** `:status 200` of HPACK's static table. */
const OK_HEAD = Buffer.from([0x88]);

export interface H2PeerPlan {
  readonly answersPings: boolean;
  /** Requests of a connection that are answered. Default: all. */
  readonly answers?: number;
}

export async function startH2Peer(plan: H2PeerPlan): Promise<H2Peer> {
  const seen: H2Peer["seen"][number][] = [];
  const connections = { total: 0, open: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections.total++;
    connections.open++;
    sockets.add(socket);
    let text = "";
    let taken = 0;
    let answered = 0;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      connections.open--;
      sockets.delete(socket);
    });
    socket.write(frame(H2.settings, 0, 0));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const frames = readFrames(text.slice(H2_PREFACE.length));
      for (const { type, flags, stream, payload } of frames.slice(taken)) {
        if (type === H2.settings && flags !== ACK) socket.write(frame(H2.settings, ACK, 0));
        if (type === H2.ping && flags !== ACK) {
          seen.push("ping");
          if (plan.answersPings) socket.write(frame(H2.ping, ACK, 0, payload));
        }
        if (type !== H2.headers) continue;
        seen.push("request");
        if (answered++ >= (plan.answers ?? Number.POSITIVE_INFINITY)) continue;
        socket.write(frame(H2.headers, END_STREAM | END_HEADERS, stream, OK_HEAD));
      }
      taken = frames.length;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    seen,
    connections,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
