import type { KubeClient } from "@heddle/kube-client";
import { UsageError } from "./context.ts";

const TIMEOUT_MS = 10_000;

/** A request to a port of a pod's loopback interface, through the API server's port-forward. Errors: UsageError naming pod, port and status. */
export async function podGet(
  kube: KubeClient,
  namespace: string,
  pod: string,
  port: number,
  path: string,
  method: "GET" | "POST" = "GET",
): Promise<string> {
  const socket = await kube.portForward(namespace, pod, port, AbortSignal.timeout(TIMEOUT_MS));
  const where = `${pod}.${namespace}:${port}${path}`;
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (isWhole(chunks)) done();
    });
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks));
    };
    socket.on("end", done);
    socket.on("close", done);
    socket.on("error", (e: Error) =>
      reject(new UsageError(`${where}: ${e.message}; is the pod running and has it a sidecar?`)),
    );
    const length = method === "POST" ? "Content-Length: 0\r\n" : "";
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}Connection: close\r\n\r\n`);
  });
  return bodyOf(bytes, where);
}

/** Servers that keep the connection open still announce how long the body is. */
function isWhole(chunks: readonly Buffer[]): boolean {
  const all = Buffer.concat(chunks as Buffer[]);
  const head = all.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const text = all.subarray(0, head).toString("latin1").toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(text)?.[1];
  if (length !== undefined) return all.length >= head + 4 + Number(length);
  return /\r\ntransfer-encoding: *chunked/.test(text) && all.subarray(-7).toString("latin1").endsWith("0\r\n\r\n");
}

/** Body of one HTTP/1.1 answer; chunked coding is undone. */
export function bodyOf(bytes: Buffer, where: string): string {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0)
    throw new UsageError(
      `${where}: the answer ended before its headers did; nothing listens there, or it was killed meanwhile`,
    );
  const head = bytes.subarray(0, end).toString("latin1");
  const status = Number(head.split(" ")[1]);
  const raw = bytes.subarray(end + 4);
  const body = /\r\ntransfer-encoding: *chunked/i.test(head) ? dechunk(raw) : raw;
  if (status >= 300) throw new UsageError(`${where}: HTTP ${status}: ${body.toString("utf8").slice(0, 200)}`);
  return body.toString("utf8");
}

function dechunk(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = raw.indexOf("\r\n", at);
    const size = line < 0 ? 0 : Number.parseInt(raw.subarray(at, line).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(raw.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
