import { frame, H2, H2_PREFACE } from "./h2-bytes.ts";

/** Takes every connection and no request: HTTP/2 streams are refused, of HTTP/1 the connection ends. */
export function startRefusingOrigin(): { readonly port: number; stop(): void } {
  const refused = Buffer.from([0, 0, 0, 7]);
  const server = Bun.listen<{ bytes: Buffer; http2: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { bytes: Buffer.alloc(0), http2: false };
      },
      data(socket, chunk) {
        const state = socket.data;
        state.bytes = Buffer.concat([state.bytes, chunk]);
        if (!state.http2) {
          if (state.bytes.length < H2_PREFACE.length) return;
          if (!state.bytes.subarray(0, H2_PREFACE.length).equals(H2_PREFACE)) {
            if (state.bytes.includes("\r\n\r\n")) socket.end();
            return;
          }
          state.http2 = true;
          state.bytes = state.bytes.subarray(H2_PREFACE.length);
          socket.write(frame(H2.settings, 0, 0));
        }
        while (state.bytes.length >= 9) {
          const end = 9 + state.bytes.readUIntBE(0, 3);
          if (state.bytes.length < end) return;
          const [type, flags] = [state.bytes[3], state.bytes[4]];
          if (type === H2.settings && flags === 0) socket.write(frame(H2.settings, 1, 0));
          if (type === H2.headers) socket.write(frame(H2.rstStream, 0, state.bytes.readUInt32BE(5), refused));
          state.bytes = state.bytes.subarray(end);
        }
      },
    },
  });
  return { port: server.port, stop: () => server.stop(true) };
}
