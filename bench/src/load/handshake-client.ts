/**
 * Opens mTLS connections one after the other on some lanes at once, closing each when its handshake is done.
 * Run as: handshake-client.ts PORT COUNT LANES CHAIN KEY ROOT RESUME. RESUME 1: each lane offers the session of its last connection.
 * Prints one JSON line.
 */
import { readFileSync } from "node:fs";
import { connect, createSecureContext } from "node:tls";

const [portText = "", countText = "", lanesText = "", chain = "", key = "", root = "", resume = ""] =
  process.argv.slice(2);
const count = Number(countText);
const secureContext = createSecureContext({
  cert: readFileSync(chain),
  key: readFileSync(key),
  ca: readFileSync(root),
});
let started = 0;
let finished = 0;
let resumed = 0;
const beganMs = performance.now();

function open(session: Buffer | undefined): void {
  if (started >= count) return;
  started++;
  let latest = session;
  const socket = connect({
    host: "127.0.0.1",
    port: Number(portText),
    secureContext,
    // The name is a SPIFFE id, which this client does not check; the proxy under test checks ours.
    rejectUnauthorized: false,
    ALPNProtocols: ["istio-http/1.1"],
    servername: "outbound_.8080_._.app",
    ...(session === undefined ? {} : { session }),
  });
  socket.on("session", (ticket: Buffer) => {
    latest = ticket;
  });
  socket.on("secureConnect", () => {
    if (socket.isSessionReused()) resumed++;
    // A request makes the server's side of the handshake complete, and brings the ticket.
    socket.write("GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n");
  });
  socket.on("data", () => undefined);
  socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  socket.on("close", () => {
    finished++;
    if (finished === count) {
      console.log(JSON.stringify({ seconds: (performance.now() - beganMs) / 1000, resumed }));
      process.exit(0);
    }
    open(resume === "1" ? latest : undefined);
  });
}

for (let i = 0; i < Number(lanesText); i++) open(undefined);
