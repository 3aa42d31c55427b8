import type { Duplex } from "node:stream";
import {
  encodeBinary,
  encodeClose,
  encodePong,
  encodeText,
  WebSocketDecoder,
  type WebSocketMessage,
} from "./frames.ts";

/** The server's side of a WebSocket. */
export interface WebSocketConnection {
  /** Resolves, through `done`, when more may be sent. */
  send(data: Uint8Array, done?: (error?: Error | null) => void): void;
  sendText(data: Uint8Array): void;
  pause(paused: boolean): void;
  close(code?: number, reason?: string): void;
  readonly closed: Promise<void>;
}

/** Serves a WebSocket on `socket`, which is past the handshake. */
export function serveWebSocket(
  socket: Duplex,
  head: Uint8Array,
  onMessage: (data: Uint8Array, binary: boolean) => void,
): WebSocketConnection {
  const decoder = new WebSocketDecoder();
  const done = Promise.withResolvers<void>();
  let over = false;
  let closing = false;

  const lost = (): void => {
    if (over) return;
    over = true;
    socket.destroy();
    done.resolve();
  };
  const write = (frame: Uint8Array, sent?: (error?: Error | null) => void): void => {
    if (over || closing || !socket.writable) {
      sent?.(new Error("the client has gone"));
      return;
    }
    const room = socket.write(frame);
    if (!sent) return;
    if (room) sent();
    else {
      const go = (): void => {
        socket.off("drain", go);
        socket.off("close", go);
        sent();
      };
      socket.on("drain", go);
      socket.on("close", go);
    }
  };
  const close = (code: number, reason: string): void => {
    if (over || closing) return;
    write(encodeClose(code, reason));
    closing = true;
    socket.end(() => lost());
  };
  const handle = (message: WebSocketMessage): void => {
    switch (message.kind) {
      case "message":
        onMessage(message.data, message.binary);
        return;
      case "ping":
        write(encodePong(message.data));
        return;
      case "close":
        close(1000, "");
        return;
      case "pong":
        return;
    }
  };
  const receive = (chunk: Uint8Array): void => {
    try {
      for (const message of decoder.push(chunk)) handle(message);
    } catch (error) {
      close(1002, error instanceof Error ? error.message : "protocol error");
    }
  };
  socket.on("data", receive);
  socket.on("end", lost);
  socket.on("close", lost);
  socket.on("error", lost);
  if (head.length > 0) receive(head);
  return {
    send: (data, sent) => write(encodeBinary(data), sent),
    sendText: (data) => write(encodeText(data)),
    pause(paused) {
      if (paused) socket.pause();
      else if (socket.isPaused()) socket.resume();
    },
    close: (code = 1000, reason = "") => close(code, reason),
    closed: done.promise,
  };
}
