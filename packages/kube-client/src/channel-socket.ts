/** Frames of the `*.channel.k8s.io` protocols: one byte of channel number, then data. */
export interface ChannelSocket {
  readonly protocol: string;
  /** Resolves when enough of what was sent has left. Errors: rejects when the connection is gone. */
  send(channel: number, data: Uint8Array): Promise<void>;
  close(): void;
}

export interface ChannelHandlers {
  onData(channel: number, data: Uint8Array): void;
  /** Once; `error` when the connection broke. */
  onClose(error: Error | undefined): void;
}

const HIGH_WATER_BYTES = 512 * 1024;
const DRAIN_CHECK_MS = 5;
const NORMAL_CLOSURE = 1000;

/** Takes over an open WebSocket. */
export function createChannelSocket(socket: WebSocket, handlers: ChannelHandlers): ChannelSocket {
  let closed = false;
  const onClose = (error: Error | undefined) => {
    if (closed) return;
    closed = true;
    handlers.onClose(error);
  };
  socket.addEventListener("message", (event: MessageEvent) => {
    const bytes = event.data instanceof ArrayBuffer ? new Uint8Array(event.data) : Buffer.from(String(event.data));
    const channel = bytes[0];
    if (channel !== undefined) handlers.onData(channel, bytes.subarray(1));
  });
  socket.addEventListener("close", (event: CloseEvent) => {
    onClose(
      event.code === NORMAL_CLOSURE || event.wasClean
        ? undefined
        : new Error(`the API server closed the connection (${event.code} ${event.reason})`),
    );
  });
  socket.addEventListener("error", () => onClose(new Error("the connection to the API server broke")));
  return {
    protocol: socket.protocol,
    async send(channel, data) {
      if (closed) throw new Error("the connection is closed");
      const frame = new Uint8Array(data.length + 1);
      frame[0] = channel;
      frame.set(data, 1);
      socket.send(frame);
      // A client WebSocket has no drain event.
      while (!closed && socket.bufferedAmount > HIGH_WATER_BYTES)
        await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS));
    },
    close() {
      closed = true;
      socket.close(NORMAL_CLOSURE);
    },
  };
}
