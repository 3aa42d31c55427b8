import { Duplex } from "node:stream";
import { type ChannelSocket, createChannelSocket } from "./channel-socket.ts";
import { KubeError } from "./kube-error.ts";
import type { Transport } from "./transport.ts";

const DATA = 0;
const ERROR = 1;
/** The first frame of each channel repeats the port. */
const PREAMBLE_BYTES = 2;

/**
 * One TCP connection to a port of a pod. Source: kubelet's `portforward` over `v4.channel.k8s.io`; that protocol has no half-close,
 * so `end()` leaves the connection open for the answer until the other side ends it.
 * Errors: `KubeError`; the stream's `error` says what the pod answered.
 */
export async function openPortForward(
  transport: Transport,
  namespace: string,
  pod: string,
  port: number,
  signal?: AbortSignal,
): Promise<Duplex> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward`;
  const socket = await transport.upgrade(path, { ports: port }, ["v4.channel.k8s.io"], signal);
  return new ForwardedPort(socket, `${namespace}/${pod}:${port}`);
}

class ForwardedPort extends Duplex {
  readonly #channels: ChannelSocket;
  readonly #where: string;
  readonly #skip = [PREAMBLE_BYTES, PREAMBLE_BYTES];

  constructor(socket: WebSocket, where: string) {
    super({ allowHalfOpen: true });
    this.#where = where;
    this.#channels = createChannelSocket(socket, {
      onData: (channel, data) => this.#receive(channel, data),
      onClose: (error) => {
        if (error !== undefined) this.destroy(error);
        else this.push(null);
      },
    });
  }

  #receive(channel: number, data: Uint8Array): void {
    const skip = Math.min(this.#skip[channel] ?? 0, data.length);
    this.#skip[channel] = (this.#skip[channel] ?? 0) - skip;
    const rest = data.subarray(skip);
    if (rest.length === 0) return;
    if (channel === DATA) this.push(rest);
    if (channel === ERROR)
      this.destroy(
        new KubeError(
          0,
          "UpgradeFailed",
          `port-forward to ${this.#where}: ${Buffer.from(rest).toString("utf8").trim()}`,
        ),
      );
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#channels.send(DATA, chunk).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#channels.close();
    callback(error);
  }
}
