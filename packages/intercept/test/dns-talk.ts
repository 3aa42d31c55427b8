import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

/** `dns-talk.ts serve NAME IP PORT` answers with its name on UDP and TCP; `dns-talk.ts udp|tcp IP` prints who answers on port 53. */
const [verb = "", ...rest] = process.argv.slice(2);
const say = (text: string): void => {
  process.stdout.write(text);
  process.exit(0);
};
if (verb === "serve") {
  const [name = "", ip = "", port = "0"] = rest;
  const datagrams = createSocket("udp4");
  datagrams.on("message", (_bytes, from) => datagrams.send(name, from.port, from.address));
  datagrams.bind(Number(port), ip, () => {
    createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.end(name);
    }).listen(Number(port), ip, () => process.stdout.write("ready\n"));
  });
} else {
  const [ip = ""] = rest;
  setTimeout(() => say("silence"), 3000);
  if (verb === "udp") {
    const socket = createSocket("udp4");
    socket.on("message", (bytes, from) => say(`${bytes} as ${from.address}:${from.port}`));
    socket.send("who", 53, ip);
  } else {
    const socket = connect({ host: ip, port: 53 });
    socket.on("data", (bytes) => say(String(bytes)));
    socket.on("error", (error) => say(error.message));
  }
}
