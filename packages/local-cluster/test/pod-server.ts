import { createServer } from "node:net";

/** `pod-server.ts NAME PORT`: answers each connection with NAME and the caller's address. */
const [name = "", port = ""] = process.argv.slice(2);
createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.end(`${name} ${socket.remoteAddress}`);
}).listen(Number(port), "0.0.0.0", () => process.stdout.write("ready\n"));
