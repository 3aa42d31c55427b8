/** The program of the mesh's test pods: speaks every protocol, and calls other pods in any of them when it is asked to on port 8080. */
import { createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { Metadata } from "@grpc/grpc-js";
import { eventually } from "./eventually.ts";
import { foreignCertificate } from "./foreign-certificate.ts";
import { ECHO, echoClient, startGrpcApp } from "./grpc-app.ts";
import { connectRaw } from "./raw-client.ts";

const GREETING = "J\x00\x00\x00\x0a8.0.36\x00";
const quiet = (socket: { on(event: "error", f: () => void): unknown }) => void socket.on("error", () => undefined);

createServer({ allowHalfOpen: true }, (socket) => {
  quiet(socket);
  let total = 0;
  socket.on("data", (chunk: Buffer) => {
    total += chunk.length;
    socket.write(chunk);
  });
  socket.on("end", () => socket.end(`total ${total}`));
}).listen(9000);

createServer((socket: Socket) => {
  quiet(socket);
  socket.write(Buffer.from(GREETING, "latin1"));
  socket.on("data", (chunk: Buffer) => void socket.write(`you said ${chunk.toString()}`));
}).listen(9001);

createTlsServer(await foreignCertificate(), (socket) => {
  quiet(socket);
  socket.on("data", (chunk: Buffer) => void socket.write(`secret ${chunk.toString()}`));
}).listen(9443);

await startGrpcApp("0.0.0.0:8081");

type Check = (host: string, port: number) => Promise<string>;

/** Each gives "ok" with what it saw, or throws. */
const checks: Readonly<Record<string, Check>> = {
  http: async (host, port) => {
    for (const size of [0, 10, 300_000]) {
      const body = "b".repeat(size);
      const url = `http://${host}:${port}/echo`;
      const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(9000) });
      const text = await response.text();
      if (response.status !== 200 || text !== body) throw new Error(`status ${response.status}, ${text.length} bytes`);
    }
    return "ok";
  },
  websocket: (host, port) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${host}:${port}/socket`);
      socket.onopen = () => socket.send("hello");
      socket.onmessage = (event) => {
        socket.close();
        resolve(event.data === "re: hello" ? "ok" : String(event.data));
      };
      socket.onerror = () => reject(new Error("the websocket failed"));
    }),
  grpc: checkGrpc,
  echo: async (host, port) => {
    const client = await connectRaw(port, host);
    const bytes = "\x00\x01\xfe\xffbinary";
    client.send(bytes);
    await client.until((r) => r === bytes, 9000);
    client.socket.end();
    const all = await client.ended(9000);
    if (all !== `${bytes}total ${bytes.length}`) throw new Error(`after half-close: ${JSON.stringify(all)}`);
    return "ok";
  },
  greeting: async (host, port) => {
    const client = await connectRaw(port, host);
    await client.until((r) => r === GREETING, 9000);
    client.send("hi");
    await client.until((r) => r.endsWith("you said hi"), 9000);
    client.close();
    return "ok";
  },
  tls: async (host, port) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    let text = "";
    let failure = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on("error", (error) => {
      failure = error.message;
    });
    socket.on("secureConnect", () => void socket.write("word"));
    await eventually("the answer over TLS", () => text === "secret word" || failure !== "", 9000);
    socket.destroy();
    if (failure !== "") throw new Error(failure);
    return "ok";
  },
};

async function checkGrpc(host: string, port: number): Promise<string> {
  const client = echoClient(port, host);
  const options = { deadline: Date.now() + 9000 };
  const { Unary, Count, Sum, Chat } = ECHO;
  try {
    const unary = await new Promise<string>((resolve, reject) =>
      client.makeUnaryRequest(
        Unary.path,
        Unary.requestSerialize,
        Unary.responseDeserialize,
        Buffer.from("one"),
        new Metadata(),
        options,
        (error, value) => (error === null ? resolve(String(value)) : reject(error)),
      ),
    );
    let counted = 0;
    const counting = client.makeServerStreamRequest(
      Count.path,
      Count.requestSerialize,
      Count.responseDeserialize,
      Buffer.from("10"),
      options,
    );
    for await (const _ of counting) counted++;
    const sum = await new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        Sum.path,
        Sum.requestSerialize,
        Sum.responseDeserialize,
        options,
        (error, value) => (error === null ? resolve(String(value)) : reject(error)),
      );
      for (let i = 0; i < 5; i++) call.write(Buffer.alloc(100));
      call.end();
    });
    const chat = client.makeBidiStreamRequest(Chat.path, Chat.requestSerialize, Chat.responseDeserialize, options);
    const said: string[] = [];
    for (const word of ["a", "b"]) {
      const answer = new Promise<string>((resolve, reject) => {
        chat.once("data", (bytes: Buffer) => resolve(bytes.toString()));
        chat.once("error", reject);
      });
      chat.write(Buffer.from(word));
      said.push(await answer);
    }
    chat.end();
    const seen = `${unary} ${counted} ${sum} ${said.join(",")}`;
    if (seen !== "one 10 500 re: a,re: b") throw new Error(seen);
    return "ok";
  } finally {
    client.close();
  }
}

Bun.serve({
  port: 8080,
  idleTimeout: 60,
  websocket: { message: (socket, text) => void socket.send(`re: ${text}`) },
  async fetch(request, server) {
    const url = new URL(request.url);
    if (url.pathname === "/echo") return new Response(await request.text());
    if (url.pathname === "/socket")
      return server.upgrade(request) ? undefined : new Response("not a websocket\n", { status: 400 });
    const check = checks[url.searchParams.get("kind") ?? ""];
    if (url.pathname !== "/check" || check === undefined) return new Response("alive\n");
    const host = url.searchParams.get("host") ?? "";
    const port = Number(url.searchParams.get("port"));
    const result = await check(host, port).catch((error: unknown) => `failed: ${String(error)}`);
    return Response.json({ result });
  },
});
