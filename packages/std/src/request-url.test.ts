import { expect, test } from "bun:test";
import { createServer } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { requestUrl } from "./request-url.ts";

test.each([
  ["/a/b?c=d", "nameless.invalid", "/a/b", "?c=d"],
  ["//", "nameless.invalid", "//", ""],
  ["//evil/a", "nameless.invalid", "//evil/a", ""],
  ["/\\\\x y", "nameless.invalid", "///x%20y", ""],
  ["*", "nameless.invalid", "/*", ""],
  ["", "nameless.invalid", "/", ""],
  ["http://host:80/a?b", "host", "/a", "?b"],
  ["http://[/", "nameless.invalid", "/http://[/", ""],
  ["http://a b/", "nameless.invalid", "/http://a%20b/", ""],
])("%j", (target, hostname, pathname, search) => {
  const url = requestUrl(target);
  expect([url.hostname, url.pathname, url.search]).toEqual([hostname, pathname, search]);
});

/** What a server says to these bytes. */
function ask(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.endsWith("!")) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

test.each([
  "GET /a HTTP/1.0\r\n\r\n",
  "GET //a HTTP/1.0\r\n\r\n",
  "GET /a HTTP/1.1\r\nhost: [\r\nconnection: close\r\n\r\n",
])("both of the runtime's servers: %j", async (bytes) => {
  const bun = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch: ({ url }) => new Response(`${requestUrl(url).pathname}!`),
  });
  const node = createServer(({ url = "" }, answer) => void answer.end(`${requestUrl(url).pathname}!`));
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  for (const port of [bun.port ?? 0, (node.address() as AddressInfo).port]) {
    const text = await ask(port, bytes);
    expect(text).toMatch(/\/a!$|^HTTP\/1\.1 400/);
  }
  await bun.stop(true);
  node.close();
});
