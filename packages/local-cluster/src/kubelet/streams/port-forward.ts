import type { UpgradeRequest } from "../../contract/index.ts";
import { negotiate } from "./negotiate.ts";
import type { PodSocket } from "./pod-socket.ts";
import { finish, type RemoteStream } from "./remote-stream.ts";
import { serveSpdy } from "./spdy/spdy-connection.ts";
import { serveChannels } from "./websocket/channels.ts";
import { WebSocketDuplex } from "./websocket/websocket-duplex.ts";

/** What a forwarded connection needs to know of its pod. */
export interface ForwardTarget {
  /** For messages. */
  readonly podName: string;
  readonly podUid: string;
  connect(port: number): Promise<PodSocket>;
}

const SPDY = "portforward.k8s.io";
const TUNNEL = "SPDY/3.1+portforward.k8s.io";
const CHANNEL = "v4.channel.k8s.io";
const WEBSOCKET = [TUNNEL, "v2.portforward.k8s.io", CHANNEL];

/** Serves a port-forward connection. Errors: an HTTP status and a message when the upgrade is refused. */
export function servePortForward(
  request: UpgradeRequest,
  target: ForwardTarget,
): { readonly status: number; readonly message: string } | undefined {
  const chosen = negotiate(request.headers, { websocket: WEBSOCKET, spdy: [SPDY] });
  if (chosen.kind === "refused") return chosen;
  const { socket, head } = request;
  if (chosen.kind === "spdy") {
    socket.write(chosen.answer);
    serveSpdy(socket, head, pairStreams(target));
    return undefined;
  }
  if (chosen.protocol !== CHANNEL && chosen.protocol !== "") {
    socket.write(chosen.answer);
    serveSpdy(new WebSocketDuplex(socket, head), new Uint8Array(0), pairStreams(target));
    return undefined;
  }
  const ports = request.query
    .getAll("ports")
    .flatMap((value) => value.split(","))
    .map(Number);
  const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (ports.length === 0 || wrong !== undefined) {
    return {
      status: 400,
      message: `query parameter "ports" must name ports from 1 to 65535${wrong === undefined ? "" : `, not ${wrong}`}`,
    };
  }
  socket.write(chosen.answer);
  const channels = serveChannels(socket, head, ports.length * 2, { base64: false, closeSignal: false });
  const forwards = ports.map(async (port, index) => {
    const data = channels.streams[index * 2];
    const error = channels.streams[index * 2 + 1];
    if (!data || !error) return;
    // Each channel begins with its port, little endian.
    for (const stream of [data, error]) stream.write(Uint8Array.of(port & 0xff, port >> 8));
    // These channels cannot say that one direction has ended: the pod's end is the end of both.
    await forward(data, error, port, target, false);
  });
  void Promise.all(forwards).then(() => channels.close());
  return undefined;
}

/** Clients open an error and a data stream per connection, with the same request id. Source: kubelet `portforward/httpstream.go`. */
function pairStreams(target: ForwardTarget): (stream: RemoteStream) => void {
  const waiting = new Map<string, RemoteStream>();
  return (stream) => {
    const type = stream.headers.get("streamtype");
    const port = Number(stream.headers.get("port"));
    if ((type !== "data" && type !== "error") || !Number.isInteger(port) || port < 1 || port > 65_535) {
      stream.destroy(new Error("a port-forward stream needs streamtype data or error, and a port"));
      return;
    }
    const id = stream.headers.get("requestid") ?? `port ${port}`;
    const partner = waiting.get(id);
    if (!partner) {
      waiting.set(id, stream);
      return;
    }
    waiting.delete(id);
    const [data, error] = type === "data" ? [stream, partner] : [partner, stream];
    void forward(data, error, port, target);
  };
}

/** Joins a client's stream with a connection into the pod. Never rejects. */
async function forward(
  data: RemoteStream,
  error: RemoteStream,
  port: number,
  target: ForwardTarget,
  halfClose = true,
): Promise<void> {
  let socket: PodSocket;
  try {
    socket = await target.connect(port);
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    await finish(error, `error forwarding port ${port} to pod ${target.podName}, uid ${target.podUid}: ${reason}`);
    await finish(data);
    return;
  }
  await new Promise<void>((resolve) => {
    let open = 2;
    const ended = (): void => {
      if (--open === 0) resolve();
    };
    const broken = (): void => {
      socket.destroy();
      resolve();
    };
    socket.on("error", broken);
    socket.on("end", halfClose ? ended : resolve);
    data.on("end", ended);
    data.on("close", () => {
      if (!data.readableEnded || !data.writableFinished) broken();
    });
    socket.pipe(data);
    data.pipe(socket);
  });
  await finish(data);
  await finish(error);
  socket.destroy();
}
