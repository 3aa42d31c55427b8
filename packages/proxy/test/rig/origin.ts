import { createServer, type Server, type Socket } from "node:net";

/** A request as it arrived at the application, byte for byte. */
export interface ArrivedRequest {
  readonly method: string;
  readonly target: string;
  readonly head: string;
  readonly body: string;
  /** Lines after the last chunk. */
  readonly trailers: string;
  readonly socket: Socket;
}

/** An HTTP/1 application that answers exactly the bytes that a test wants. */
export interface Origin {
  readonly port: number;
  /** Complete requests, in their order. */
  readonly requests: readonly ArrivedRequest[];
  /** Heads that arrived, complete or not. */
  readonly heads: readonly string[];
  readonly connections: number;
  /** Those that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): void;
}

/** Writes the answer to a complete request. */
export type Answer = (request: ArrivedRequest) => void;

/** Serves; `onHead` may act before the body is there (100-continue, upgrade, early answers) and returns true to take the connection over. */
export async function startOrigin(
  answer: Answer,
  onHead?: (head: string, socket: Socket, rest: Buffer) => boolean,
): Promise<Origin> {
  const requests: ArrivedRequest[] = [];
  const heads: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    let taken = false;
    let headSeen = false;
    socket.on("end", () => {
      if (!taken) socket.end();
    });
    socket.on("data", (chunk: Buffer) => {
      if (taken) return;
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const text = held.toString("latin1");
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = text.slice(0, end);
        if (!headSeen) {
          headSeen = true;
          heads.push(head);
          if (onHead?.(head, socket, held.subarray(end + 4)) === true) {
            taken = true;
            return;
          }
        }
        const body = readBody(head, text.slice(end + 4));
        if (body === undefined) return;
        held = Buffer.from(body.rest, "latin1");
        headSeen = false;
        const [method = "", target = ""] = head.split(" ");
        const request = { method, target, head, body: body.body, trailers: body.trailers, socket };
        requests.push(request);
        answer(request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    port: typeof at === "object" && at !== null ? at.port : 0,
    requests,
    heads,
    sockets: open,
    get connections() {
      return connections;
    },
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

interface ReadBody {
  readonly body: string;
  readonly trailers: string;
  readonly rest: string;
}

/** Undefined while the body is incomplete. */
function readBody(head: string, after: string): ReadBody | undefined {
  const length = headerOf(head, "content-length");
  if (length !== undefined) {
    const size = Number(length);
    if (after.length < size) return undefined;
    return { body: after.slice(0, size), trailers: "", rest: after.slice(size) };
  }
  if (headerOf(head, "transfer-encoding") === undefined) return { body: "", trailers: "", rest: after };
  let at = 0;
  let body = "";
  for (;;) {
    const line = after.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(after.slice(at, line), 16);
    at = line + 2;
    if (size === 0) {
      if (after.startsWith("\r\n", at)) return { body, trailers: "", rest: after.slice(at + 2) };
      const end = after.indexOf("\r\n\r\n", at);
      return end < 0 ? undefined : { body, trailers: after.slice(at, end), rest: after.slice(end + 4) };
    }
    if (after.length < at + size + 2) return undefined;
    body += after.slice(at, at + size);
    at += size + 2;
  }
}

/** A field of a head as text. */
export function headerOf(head: string, name: string): string | undefined {
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}
