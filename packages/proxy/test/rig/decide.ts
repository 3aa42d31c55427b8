import { freePorts } from "@heddle/std/free-ports";
import type { Json } from "./bootstrap.ts";
import { cluster, httpFilterChain, listener } from "./bootstrap.ts";
import { END_HEADERS, END_STREAM, fieldBlock, frame, H2, H2_PREFACE, readFrames, statusOf } from "./h2-bytes.ts";
import type { InjectionCase } from "./injection-cases.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { type ProxyProcess, startProxy } from "./proxy-process.ts";
import { connectRaw, exchangeRaw } from "./raw-client.ts";

/** A proxy in front of an application that remembers every byte. */
export interface Judge {
  readonly port: number;
  readonly origin: Origin;
  readonly proxy: ProxyProcess;
  close(): Promise<void>;
}

/** What became of the bytes. */
export interface Decision {
  /** Status codes in their order, or `closed`, or `waits`. */
  readonly answer: string;
  /** Requests that reached the application. */
  readonly forwarded: number;
  /** One that was hidden in another reached it as a request of its own. */
  readonly smuggled: boolean;
  /** Heads as the application got them. */
  readonly heads: readonly string[];
}

/** How long a connection must be silent before it counts as waiting. Units: ms. */
const QUIET_MS = 1500;

export async function startJudge(engine: "heddle" | "envoy", manager: Json = {}): Promise<Judge> {
  const origin = await startOrigin(({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  const [port = 0, adminPort = 0] = freePorts(2);
  const proxy = await startProxy({
    engine,
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [listener("in", port, [httpFilterChain("app", manager)])],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    },
  });
  return {
    port,
    origin,
    proxy,
    close: async () => {
      await proxy.stop();
      origin.close();
    },
  };
}

/** A request that nobody could misread, from the first byte to its answer. */
async function plainly(judge: Judge): Promise<void> {
  const client = await connectRaw(judge.port);
  client.send("GET /plainly HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  await client.ended();
  client.close();
}

/** Sends the bytes on a connection of their own. */
export async function decide(judge: Judge, bytes: string, number: number): Promise<Decision> {
  const mark = new RegExp(`c${number}(?!\\d)`);
  const hidden = new RegExp(`smuggled${number}(?!\\d)`);
  const client = await exchangeRaw(judge.port, bytes.replaceAll("#", String(number)), QUIET_MS, () => plainly(judge));
  const statuses = [...client.received().matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((m) => m[1]);
  const end = client.state() === "open" ? "waits" : "closed";
  client.close();
  const lineOf = (head: string) => head.split(/[\r\n]/)[0] ?? "";
  const heads = judge.origin.heads.filter((head) => mark.test(lineOf(head)) || hidden.test(lineOf(head)));
  return {
    answer: statuses.length > 0 ? statuses.join(" ") : end,
    forwarded: heads.length,
    smuggled: heads.some((head) => hidden.test(lineOf(head))),
    heads,
  };
}

/** Sends one HTTP/2 request. The answer is a status, `reset` of the stream, `goaway` or how the connection ended. */
export async function decideHttp2(judge: Judge, one: InjectionCase, number: number): Promise<Decision> {
  const numbered = (text: string) => text.replaceAll("#", String(number));
  const block = (fields: InjectionCase["fields"]) => fieldBlock(fields.map(([k, v]) => [numbered(k), numbered(v)]));
  const { fields, body, trailers } = one;
  const frames = [H2_PREFACE, frame(H2.settings, 0, 0)];
  frames.push(frame(H2.headers, END_HEADERS | (body === undefined ? END_STREAM : 0), 1, block(fields)));
  if (body !== undefined)
    frames.push(frame(H2.data, trailers === undefined ? END_STREAM : 0, 1, Buffer.from(numbered(body), "latin1")));
  if (trailers !== undefined) frames.push(frame(H2.headers, END_HEADERS | END_STREAM, 1, block(trailers)));
  const client = await exchangeRaw(judge.port, Buffer.concat(frames), QUIET_MS, () => plainly(judge));
  const received = readFrames(client.received());
  client.close();
  const response = received.find((f) => f.type === H2.headers && f.stream === 1);
  const answer =
    response !== undefined
      ? statusOf(response.payload)
      : received.some((f) => f.type === H2.rstStream && f.stream === 1)
        ? "reset"
        : received.some((f) => f.type === H2.goaway)
          ? "goaway"
          : client.state();
  const heads = judge.origin.heads.filter((head) => new RegExp(`(c|smuggled)${number}(?!\\d)`).test(head));
  return { answer, forwarded: heads.length, smuggled: heads.some((head) => head.startsWith("GET /smuggled")), heads };
}
