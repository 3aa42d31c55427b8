/**
 * The application of a soak, as a process: soak-app.ts PORT. Every answer repeats the request's id, so that an answer that reaches
 * somebody else is seen. `/slow`, `/fail` and `/cut` do what their names say.
 */
import { createServer } from "node:http";
import { filler } from "./filler.ts";

const port = Number(process.argv[2]);

createServer((request, response) => {
  const id = request.headers["x-soak-id"] ?? "none";
  const url = new URL(request.url ?? "/", "http://soak");
  const size = Number(url.searchParams.get("size") ?? 0);
  const body = `${id}\n${filler(String(id), size)}`;
  const headers = { "x-soak-id": id, "content-length": Buffer.byteLength(body) };
  switch (url.pathname) {
    case "/slow":
      setTimeout(() => response.writeHead(200, headers).end(body), 150);
      return;
    case "/fail":
      response.writeHead(503, headers).end(body);
      return;
    case "/cut":
      response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(body) + 1000 });
      response.write(body);
      setTimeout(() => request.socket.resetAndDestroy(), 5);
      return;
    case "/chunks":
      response.writeHead(200, { "x-soak-id": id });
      for (let at = 0; at < body.length; at += 1000) response.write(body.slice(at, at + 1000));
      response.end();
      return;
    case "/upload": {
      let received = 0;
      let sum = 0;
      request.on("data", (chunk: Buffer) => {
        received += chunk.length;
        for (const byte of chunk) sum = (sum + byte) % 65_521;
      });
      request.on("end", () => {
        const answer = `${id}\n${received} ${sum}`;
        response.writeHead(200, { "x-soak-id": id, "content-length": answer.length }).end(answer);
      });
      return;
    }
    default:
      response.writeHead(200, headers).end(body);
  }
}).listen(port, "127.0.0.1", () => console.log(`listening ${port}`));
