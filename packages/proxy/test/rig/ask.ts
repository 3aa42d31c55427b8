import { request } from "node:http";
import type { BreadthCase } from "./breadth-cases.ts";

/** What a client got. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers that two proxies may differ in: times, and what names the one that answers. */
const OWN: ReadonlySet<string> = new Set([
  "date",
  "x-envoy-upstream-service-time",
  "server",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
]);

/** Sends one request on a connection of its own. */
export function ask(port: number, item: BreadthCase): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        method: item.method ?? "GET",
        path: item.path,
        headers: { host: item.host ?? "act.test", ...item.headers },
        agent: false,
        timeout: 8000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const headers = Object.entries(response.headers)
            .filter(([name]) => !OWN.has(name))
            .map(([name, value]): [string, string] => [name, String(value)])
            .sort(([a], [b]) => a.localeCompare(b));
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(headers),
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no answer within 8 s")));
    sent.on("error", reject);
    sent.end(item.body);
  });
}
