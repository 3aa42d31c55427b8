import { type ChannelCredentials, Client, type ClientDuplexStream, type ServerDuplexStream } from "@grpc/grpc-js";
import type { Logger } from "@heddle/std";
import type { SocketService } from "./envoy-socket.ts";

export interface DiscoveryRelayDeps {
  /** `host:port` of the control plane. */
  readonly address: string;
  /** As of now: each stream opens with the certificate that is in force. */
  credentials(): ChannelCredentials;
  readonly log: Logger;
}

/** Passes the pod's discovery streams on to the control plane, under the workload's identity; the bytes are not looked at. */
export interface DiscoveryRelay {
  readonly service: SocketService;
  /** Streams that are open at the moment. */
  readonly streams: number;
  close(): void;
}

const bytes = (buffer: Buffer): Buffer => buffer;
const prefix = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
const method = (name: string) => ({
  path: `${prefix}/${name}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

class Relay implements DiscoveryRelay {
  readonly #deps: DiscoveryRelayDeps;
  readonly #open = new Set<ClientDuplexStream<Buffer, Buffer>>();
  readonly service: SocketService;

  constructor(deps: DiscoveryRelayDeps) {
    this.#deps = deps;
    const definition = {
      streamAggregatedResources: method("StreamAggregatedResources"),
      deltaAggregatedResources: method("DeltaAggregatedResources"),
    };
    const handler = (path: string) => (call: ServerDuplexStream<Buffer, Buffer>) => this.#serve(call, path);
    this.service = {
      definition,
      handlers: {
        streamAggregatedResources: handler(definition.streamAggregatedResources.path),
        deltaAggregatedResources: handler(definition.deltaAggregatedResources.path),
      },
    };
  }

  get streams(): number {
    return this.#open.size;
  }

  #serve(call: ServerDuplexStream<Buffer, Buffer>, path: string): void {
    const { address, log } = this.#deps;
    const client = new Client(address, this.#deps.credentials(), {
      "grpc.keepalive_time_ms": 30_000,
      // Configuration of large meshes.
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
    const upstream = client.makeBidiStreamRequest(path, bytes, bytes);
    this.#open.add(upstream);
    let over = false;
    const end = (finish: () => void): void => {
      if (over) return;
      over = true;
      this.#open.delete(upstream);
      finish();
      client.close();
    };
    // Each side's back-pressure reaches the other.
    call.on("data", (request: Buffer) => {
      if (!upstream.write(request)) {
        call.pause();
        upstream.once("drain", () => call.resume());
      }
    });
    call.on("end", () => upstream.end());
    upstream.on("data", (response: Buffer) => {
      if (!call.write(response)) {
        upstream.pause();
        call.once("drain", () => upstream.resume());
      }
    });
    upstream.on("status", ({ code, details }) =>
      end(() => {
        if (code !== 0) log.warn("the control plane ended a discovery stream", { code, details });
        call.emit("error", { code: code === 0 ? 14 : code, details: details || "the control plane ended the stream" });
      }),
    );
    upstream.on("error", () => undefined);
    const abandon = (): void => end(() => upstream.cancel());
    call.on("cancelled", abandon);
    call.on("error", abandon);
  }

  close(): void {
    for (const upstream of this.#open) upstream.cancel();
  }
}

export function createDiscoveryRelay(deps: DiscoveryRelayDeps): DiscoveryRelay {
  return new Relay(deps);
}
