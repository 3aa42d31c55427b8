/** What Istio's TCP walkthroughs need of `nc`: sends its input to a port, prints what comes back. Arguments: [-q SECONDS | -w SECONDS] HOST PORT. */
import { connect } from "node:net";

const words = process.argv.slice(2);
const waits = words[0] === "-q" || words[0] === "-w" ? Number(words[1]) : 0;
const [host = "", port = ""] = words.slice(words[0]?.startsWith("-") ? 2 : 0);
const number = Number(port);
if (host === "" || Number.isNaN(waits) || !(Number.isInteger(number) && number > 0 && number < 65_536)) {
  process.stderr.write(`usage: nc [-q SECONDS | -w SECONDS] HOST PORT; "${words.join(" ")}" is no such thing\n`);
  process.exit(1);
}
const socket = connect({ host, port: number, allowHalfOpen: true });
process.stdin.pipe(socket);
socket.pipe(process.stdout, { end: false });
if (waits > 0) socket.setTimeout(waits * 1000, () => socket.destroy());
socket.on("error", (error) => {
  process.stderr.write(`nc: ${host} port ${port}: ${error.message}\n`);
  process.exitCode = 1;
});
socket.on("close", () => process.exit());
