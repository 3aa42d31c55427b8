/** Says back each line, with a word in front. Arguments: ports, separated by commas, and the word. */
import { createServer } from "node:net";
import { createLines } from "./lines.ts";

const [ports = "", word = ""] = process.argv.slice(2);
const numbers = ports.split(",").map(Number);
if (ports === "" || !numbers.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) {
  process.stderr.write(`usage: tcp-echo PORT[,PORT…] WORD; "${ports}" is no list of ports (1 to 65535)\n`);
  process.exit(1);
}
for (const port of numbers) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const lines = createLines((line) => socket.write(`${word} ${line}\n`));
    socket.on("data", (bytes) => {
      if (!lines.push(bytes.toString("utf8"))) socket.destroy();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => socket.destroy());
  });
  server.listen(port, () => process.stdout.write(`listening on port ${port}, prefix: ${word}\n`));
}
process.on("SIGTERM", () => process.exit(0));
