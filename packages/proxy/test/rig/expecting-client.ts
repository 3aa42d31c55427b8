import { connect, type IncomingHttpHeaders } from "node:http2";
import { connectRaw } from "./raw-client.ts";

/** What a client that sent `expect: 100-continue` saw and did, in its order: statuses, and "body" where it sent its body. */
export type Expecting = (port: number, path: string, patienceMs: number) => Promise<readonly string[]>;

/** How long a client waits for the end of it all. Units: ms. */
const LIMIT_MS = 25_000;
const BODY = "hello";

/** `patienceMs`: how long a client waits for 100 before it sends its body anyway. Source: RFC 9110 section 10.1.1. */
export const expectOverHttp1: Expecting = async (port, path, patienceMs) => {
  const client = await connectRaw(port);
  const events: string[] = [];
  client.send(`POST ${path} HTTP/1.1\r\nhost: app\r\nexpect: 100-continue\r\ncontent-length: ${BODY.length}\r\n\r\n`);
  let read = 0;
  const heads = (): string[] => {
    const found = [...client.received().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1] ?? "");
    const fresh = found.slice(read);
    read = found.length;
    return fresh;
  };
  const isFinal = (status: string) => !status.startsWith("1");
  const deadline = performance.now() + LIMIT_MS;
  let sent = false;
  const beganMs = performance.now();
  while (performance.now() < deadline && client.state() === "open") {
    for (const status of heads()) events.push(status);
    if (events.some((event) => event !== "body" && isFinal(event))) break;
    if (!sent && (events.includes("100") || performance.now() - beganMs > patienceMs)) {
      sent = true;
      events.push("body");
      client.send(BODY);
    }
    await Bun.sleep(5);
  }
  for (const status of heads()) events.push(status);
  if (/connection: close/i.test(client.received())) events.push("close");
  client.close();
  return events;
};

export const expectOverHttp2: Expecting = (port, path, patienceMs) =>
  new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const events: string[] = [];
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, expect: "100-continue" });
    let sent = false;
    const send = () => {
      if (sent) return;
      sent = true;
      events.push("body");
      stream.end(BODY);
    };
    const patience = setTimeout(send, patienceMs);
    const finish = () => {
      clearTimeout(patience);
      clearTimeout(over);
      session.destroy();
      resolve(events);
    };
    const over = setTimeout(finish, LIMIT_MS);
    stream.on("headers", (head: IncomingHttpHeaders) => {
      events.push(String(head[":status"]));
      if (Number(head[":status"]) === 100) send();
    });
    stream.on("response", (head: IncomingHttpHeaders) => {
      clearTimeout(patience);
      events.push(String(head[":status"]));
    });
    stream.on("error", () => events.push("error"));
    stream.resume();
    stream.on("close", finish);
  });
