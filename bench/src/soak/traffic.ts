import { Agent, type IncomingMessage, request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { bodySum, filler } from "./filler.ts";

/** What came of all requests so far. */
export interface Tally {
  sent: number;
  /** The answer that belongs to the request, whole. */
  right: number;
  /** An answer that belongs to another request, or whole where it had to be cut off. */
  wrong: number;
  /** An error where none was due. */
  failed: number;
  /** Cut off, aborted or failed on purpose, as it had to be. */
  broken: number;
  /** Sent on a kept-alive connection that the proxy was just closing, and sent again. */
  again: number;
  /** First reasons, for the report. */
  readonly reasons: string[];
}

export interface Traffic {
  readonly tally: Tally;
  /** Requests that have no answer yet. */
  readonly open: number;
  /** Sends the next request of the mix. */
  next(): void;
  close(): void;
}

const TIMEOUT_MS = 30_000;
const MAX_REASONS = 10;

/** A mix of everything that callers do, well and badly. Each hundred requests have the same composition. */
export function createTraffic(port: number): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 32 });
  const tally: Tally = { sent: 0, right: 0, wrong: 0, failed: 0, broken: 0, again: 0, reasons: [] };
  let session: ClientHttp2Session | undefined;
  let open = 0;

  const bad = (kind: "wrong" | "failed", reason: string) => {
    tally[kind]++;
    if (tally.reasons.length < MAX_REASONS) tally.reasons.push(`${kind}: ${reason}`);
  };

  const settle = (id: string, expected: string, path: string, status: number, echoed: unknown, body: string) => {
    const mayFail = path.startsWith("/fail");
    if (echoed === id && body === expected) tally.right++;
    // The proxies' own answers carry no id.
    else if (echoed === undefined && status >= 500 && mayFail) tally.broken++;
    else if (echoed === undefined) bad("failed", `${path} id ${id}: ${status} ${body.slice(0, 120)}`);
    else bad("wrong", `${path} id ${id}: answered for ${String(echoed)}, ${body.length} of ${expected.length} bytes`);
  };

  const http1 = (id: string, path: string, options: Http1Options = {}) => {
    const { upload, abortMs, fresh = false, cut = false, retried = false } = options;
    const size = Number(/size=(\d+)/.exec(path)?.[1] ?? 0);
    const expected = upload === undefined ? `${id}\n${filler(id, size)}` : `${id}\n${bodySum(upload)}`;
    open++;
    let over = false;
    const done = (settled: () => void) => {
      if (over) return;
      over = true;
      open--;
      settled();
    };
    const headers = {
      "x-soak-id": id,
      host: "app",
      ...(upload === undefined ? {} : { "content-length": upload.length }),
    };
    const method = upload === undefined ? "GET" : "POST";
    const call = request(
      { host: "127.0.0.1", port, path, method, headers, agent: fresh ? false : agent, timeout: TIMEOUT_MS },
      (response: IncomingMessage) => {
        let body = "";
        response.setEncoding("latin1");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () =>
          done(() => {
            if (!response.complete || (cut && response.headers["x-soak-id"] === undefined)) tally.broken++;
            else if (cut) bad("wrong", `${path} id ${id}: half an answer came as a whole one`);
            else settle(id, expected, path, response.statusCode ?? 0, response.headers["x-soak-id"], body);
          }),
        );
        response.on("error", () => done(() => broken("the answer was cut off")));
        response.on("close", () => done(() => broken("the answer was cut off")));
      },
    );
    const broken = (reason: string) => {
      if (cut || abortMs !== undefined) tally.broken++;
      else bad("failed", `${path} id ${id}: ${reason}`);
    };
    call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    call.on("error", (error: Error) => {
      const again = call.reusedSocket && !retried && abortMs === undefined && !cut;
      done(() => {
        if (!again) broken(error.message);
        else {
          tally.again++;
          http1(id, path, { ...options, retried: true, fresh: true });
        }
      });
    });
    if (abortMs !== undefined) setTimeout(() => call.destroy(), abortMs);
    call.end(upload);
  };

  const http2 = (id: string, path: string, retried = false) => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on("error", () => undefined);
    }
    const size = Number(/size=(\d+)/.exec(path)?.[1] ?? 0);
    const expected = `${id}\n${filler(id, size)}`;
    open++;
    const stream = session.request({ ":path": path, ":authority": "app", "x-soak-id": id });
    let body = "";
    let status = 0;
    let echoed: unknown;
    stream.setEncoding("latin1");
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      echoed = headers["x-soak-id"];
    });
    stream.on("data", (chunk: string) => {
      body += chunk;
    });
    stream.on("error", () => undefined);
    stream.on("close", () => {
      open--;
      // A stream above the last one that GOAWAY names was never looked at.
      if (status === 0 && !retried) {
        tally.again++;
        http2(id, path, true);
      } else if (status === 0) bad("failed", `${path} id ${id}: stream error ${stream.rstCode}`);
      else settle(id, expected, path, status, echoed, body);
    });
    stream.end();
  };

  /** A client that sends half a head, or nothing, and goes. */
  const vanish = (text: string) => {
    open++;
    const socket = connectTcp(port, "127.0.0.1", () => {
      socket.write(text);
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open--;
      tally.broken++;
    });
  };

  const next = () => {
    const n = tally.sent++;
    const id = `n${n}`;
    const kind = n % 100;
    if (kind < 60) http1(id, `/echo?size=${(n * 37) % 8000}`);
    else if (kind < 70) http1(id, "/upload", { upload: Buffer.alloc((n * 911) % 65_536, n & 255) });
    else if (kind < 76) http1(id, `/chunks?size=${(n * 101) % 20_000}`);
    else if (kind < 80) http1(id, "/slow?size=10");
    else if (kind < 83) http1(id, "/slow?size=10", { abortMs: 40 });
    else if (kind < 86) http1(id, "/fail?size=20");
    else if (kind < 88) http1(id, "/cut?size=500", { cut: true });
    else if (kind < 89) http1(id, "/echo?size=1048576");
    else if (kind < 93) http1(id, "/echo?size=100", { fresh: true });
    else if (kind < 98) http2(id, `/echo?size=${(n * 53) % 30_000}`);
    else vanish(kind === 98 ? "" : "GET /echo HTTP/1.1\r\nhost: a");
  };
  return {
    tally,
    get open() {
      return open;
    },
    next,
    close: () => {
      agent.destroy();
      session?.destroy();
    },
  };
}

interface Http1Options {
  readonly upload?: Buffer;
  /** The client goes away after so long. */
  readonly abortMs?: number;
  /** A connection of its own. */
  readonly fresh?: boolean;
  /** The application breaks off in the middle. */
  readonly cut?: boolean;
  readonly retried?: boolean;
}
