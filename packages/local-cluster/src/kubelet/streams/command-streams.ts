import type { UpgradeRequest } from "../../contract/index.ts";
import { negotiate } from "./negotiate.ts";
import type { RemoteStream } from "./remote-stream.ts";
import { serveSpdy } from "./spdy/spdy-connection.ts";
import { serveChannels } from "./websocket/channels.ts";

/** The streams of an exec or attach, whatever carries them. */
export interface CommandStreams {
  readonly stdin: RemoteStream | undefined;
  readonly stdout: RemoteStream | undefined;
  readonly stderr: RemoteStream | undefined;
  readonly resize: RemoteStream | undefined;
  readonly error: RemoteStream;
  /** Exit codes travel as a `Status`; older protocols carry plain text of failures only. */
  readonly structuredStatus: boolean;
  close(): void;
  readonly closed: Promise<void>;
}

export interface StreamWishes {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export type CommandConnection =
  | { readonly kind: "connected"; readonly streams: Promise<CommandStreams> }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

const SPDY_PROTOCOLS = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
const WEBSOCKET_PROTOCOLS = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
];
const CHANNELS = ["stdin", "stdout", "stderr", "error", "resize"] as const;
/** Source: kubelet `DefaultStreamCreationTimeout`. */
const CREATION_TIMEOUT_MS = 30_000;

const flag = (query: URLSearchParams, name: string): boolean => ["1", "true"].includes(query.get(name) ?? "");

export const streamWishes = (query: URLSearchParams): StreamWishes => {
  const tty = flag(query, "tty");
  return { stdin: flag(query, "stdin"), stdout: flag(query, "stdout"), stderr: flag(query, "stderr") && !tty, tty };
};

/** Answers the upgrade and waits for the streams. */
export function connectCommand(request: UpgradeRequest, wishes: StreamWishes): CommandConnection {
  const chosen = negotiate(request.headers, { websocket: WEBSOCKET_PROTOCOLS, spdy: SPDY_PROTOCOLS });
  if (chosen.kind === "refused") return chosen;
  request.socket.write(chosen.answer);
  const version = chosen.protocol;
  return {
    kind: "connected",
    streams:
      chosen.kind === "websocket"
        ? Promise.resolve(overWebSocket(request, wishes, version))
        : overSpdy(request, wishes, version),
  };
}

function overWebSocket(request: UpgradeRequest, wishes: StreamWishes, protocol: string): CommandStreams {
  const channels = serveChannels(request.socket, request.head, CHANNELS.length, {
    base64: protocol.includes("base64"),
    closeSignal: protocol.startsWith("v5."),
  });
  const [stdin, stdout, stderr, error, resize] = channels.streams;
  if (!error) throw new Error("channels are missing");
  return {
    stdin: wishes.stdin ? stdin : undefined,
    stdout: wishes.stdout ? stdout : undefined,
    stderr: wishes.stderr ? stderr : undefined,
    resize: wishes.tty ? resize : undefined,
    error,
    structuredStatus: protocol.startsWith("v"),
    close: channels.close,
    closed: channels.closed,
  };
}

function overSpdy(request: UpgradeRequest, wishes: StreamWishes, protocol: string): Promise<CommandStreams> {
  const version = /^v(\d)/.exec(protocol)?.[1] ?? "1";
  const expected = new Set<string>(["error"]);
  for (const name of ["stdin", "stdout", "stderr"] as const) if (wishes[name]) expected.add(name);
  if (wishes.tty && version >= "3") expected.add("resize");
  const found = new Map<string, RemoteStream>();
  return new Promise((resolve, reject) => {
    const connection = serveSpdy(request.socket, request.head, (stream) => {
      const type = stream.headers.get("streamtype") ?? "";
      found.set(type, stream);
      expected.delete(type);
      const error = found.get("error");
      if (expected.size > 0 || !error) return;
      clearTimeout(timer);
      resolve({
        stdin: found.get("stdin"),
        stdout: found.get("stdout"),
        stderr: found.get("stderr"),
        resize: found.get("resize"),
        error,
        structuredStatus: version >= "4",
        close: () => connection.close(),
        closed: connection.closed,
      });
    });
    const timer = setTimeout(() => {
      connection.close();
      reject(new Error("timed out waiting for client to create streams"));
    }, CREATION_TIMEOUT_MS);
    void connection.closed.then(() => {
      clearTimeout(timer);
      reject(new Error("the client has gone"));
    });
  });
}
