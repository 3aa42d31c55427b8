import type { Duplex } from "node:stream";
import { RemoteStream } from "../remote-stream.ts";
import { serveWebSocket, type WebSocketConnection } from "./websocket-connection.ts";

/** How the channel protocols differ. Source: Kubernetes `apimachinery/pkg/util/remotecommand/constants.go`. */
export interface ChannelProtocol {
  /** Text messages: a digit, then base64. */
  readonly base64: boolean;
  /** The client may end one channel: message `[255, channel]`. */
  readonly closeSignal: boolean;
}

const CLOSE_SIGNAL = 255;
const MAX_BACKLOG = 4 * 1024 * 1024;

/** Several streams over one WebSocket; each message begins with its channel's number. */
export interface Channels {
  readonly streams: readonly RemoteStream[];
  close(): void;
  readonly closed: Promise<void>;
}

export function serveChannels(socket: Duplex, head: Uint8Array, count: number, protocol: ChannelProtocol): Channels {
  const slow = new Set<number>();
  const streams: RemoteStream[] = [];
  const connection: WebSocketConnection = serveWebSocket(socket, head, (message) => {
    const data = protocol.base64 ? decodeBase64(message) : message;
    const [channel] = data;
    if (channel === undefined) return;
    if (protocol.closeSignal && channel === CLOSE_SIGNAL) streams[data[1] ?? CLOSE_SIGNAL]?.receiveEnd();
    else streams[channel]?.receive(data.subarray(1));
  });
  const frame = (channel: number, data: Uint8Array): Uint8Array =>
    protocol.base64
      ? Buffer.from(`${channel}${Buffer.from(data).toString("base64")}`)
      : Buffer.concat([Uint8Array.of(channel), data]);
  for (let channel = 0; channel < count; channel++) {
    const stream = new RemoteStream(new Map(), {
      data: (chunk, done) => {
        if (!protocol.base64) connection.send(frame(channel, chunk), done);
        else {
          connection.sendText(frame(channel, chunk));
          done();
        }
      },
      // The protocols have no end of a server's channel; the connection's end stands for it.
      end: (done) => done(),
      backlog: (bytes) => {
        if (bytes > MAX_BACKLOG) slow.add(channel);
        else if (bytes < MAX_BACKLOG / 2) slow.delete(channel);
        connection.pause(slow.size > 0);
      },
      reset: () => {},
    });
    stream.on("error", () => {});
    streams.push(stream);
  }
  void connection.closed.then(() => {
    for (const stream of streams) {
      stream.receiveEnd();
      stream.destroy();
    }
  });
  return { streams, close: () => connection.close(), closed: connection.closed };
}

function decodeBase64(message: Uint8Array): Uint8Array {
  const text = Buffer.from(message).toString("latin1");
  return Buffer.concat([Uint8Array.of(Number(text[0] ?? "0")), Buffer.from(text.slice(1), "base64")]);
}
