/** Sends bytes one way and waits until the other end has them all. Run as: byte-client.ts PORT BYTES. Prints one JSON line. */
const [portText = "", bytesText = ""] = process.argv.slice(2);
const PIECE = Buffer.alloc(262_144, 97);
const first = Buffer.alloc(8);
first.writeBigUInt64BE(BigInt(bytesText));
let left = Number(bytesText);
const beganMs = performance.now();

interface Writer {
  write(bytes: Uint8Array, offset: number, length: number): number;
}

function fill(socket: Writer): void {
  while (left > 0) {
    const wanted = Math.min(left, PIECE.length);
    const taken = Math.max(0, socket.write(PIECE, 0, wanted));
    left -= taken;
    if (taken < wanted) return;
  }
}

await Bun.connect({
  hostname: "127.0.0.1",
  port: Number(portText),
  socket: {
    open(socket) {
      socket.write(first);
      fill(socket);
    },
    drain: fill,
    data() {
      console.log(JSON.stringify({ seconds: (performance.now() - beganMs) / 1000 }));
      process.exit(0);
    },
    close() {
      console.error("the connection was closed before all bytes had arrived");
      process.exit(1);
    },
    error(_socket, error) {
      console.error(error.message);
      process.exit(1);
    },
  },
});

export {};
