/** Reads everything, and answers "done" when the client has sent the number of bytes that it announced first. Run as: byte-sink.ts PORT. */
interface Session {
  left: number;
}

const server = Bun.listen<Session>({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  socket: {
    open(socket) {
      socket.data = { left: -1 };
    },
    data(socket, chunk) {
      const { data } = socket;
      let size = chunk.length;
      if (data.left < 0) {
        // The first eight bytes come together: they are the first write of the connection.
        data.left = Number(chunk.readBigUInt64BE(0));
        size -= 8;
      }
      data.left -= size;
      if (data.left === 0) socket.write("done");
    },
    error() {},
  },
});
console.log(`listening ${server.port}`);
