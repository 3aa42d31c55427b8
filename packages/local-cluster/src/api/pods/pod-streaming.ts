import type { Duplex } from "node:stream";
import type { KubeObject, LogOptions, PodStreams } from "../../contract/index.ts";
import { badRequest, notFound, serviceUnavailable, statusOf } from "../errors/api-errors.ts";
import type { Exchange } from "../http/exchange.ts";
import { isTrue } from "../http/request-info.ts";
import { at, list, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Store } from "../store/store.ts";

/** `log`, `exec`, `attach` and `portforward` of pods, handed to the kubelet. */
export interface PodStreaming {
  log(exchange: Exchange, namespace: string, name: string): Promise<void>;
  /** Errors: `ApiError` while nothing has been answered. */
  upgrade(
    kind: "exec" | "attach" | "portforward",
    namespace: string,
    name: string,
    connection: {
      readonly method: string;
      readonly query: URLSearchParams;
      readonly headers: Readonly<Record<string, string>>;
      readonly socket: Duplex;
      readonly head: Uint8Array;
    },
  ): void;
}

function numberOf(query: URLSearchParams, key: string): number | undefined {
  const value = query.get(key);
  if (value === null) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0)
    throw badRequest(`${key}: Invalid value: "${value}": must be a number of at least 0`);
  return number;
}

function logOptions(query: URLSearchParams, container: string): LogOptions {
  const tailLines = numberOf(query, "tailLines");
  const sinceSeconds = numberOf(query, "sinceSeconds");
  const limitBytes = numberOf(query, "limitBytes");
  const sinceTime = query.get("sinceTime");
  return {
    container,
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceTime === null ? {} : { sinceTime }),
  };
}

function names(pod: KubeObject, key: string): readonly string[] {
  return list(at(pod, "spec", key)).map((item) => text(at(item, "name")));
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The container that a request means. Errors: 400 in Kubernetes' words. */
export function chooseContainer(pod: KubeObject, asked: string | null): string {
  const { name } = pod.metadata;
  const containers = names(pod, "containers");
  const all = [...containers, ...names(pod, "initContainers"), ...names(pod, "ephemeralContainers")];
  if (asked !== null && asked !== "") {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  const [first, ...more] = containers;
  if (first === undefined) throw badRequest(`pod ${name} has no containers`);
  if (more.length === 0) return first;
  const annotated = pod.metadata.annotations?.[DEFAULT_CONTAINER];
  if (annotated !== undefined && all.includes(annotated)) return annotated;
  const inits = names(pod, "initContainers");
  const initText = inits.length === 0 ? "" : ` or one of the init containers: [${inits.join(" ")}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${containers.join(" ")}]${initText}`,
  );
}

export function createPodStreaming(
  store: Store,
  def: ResourceDefinition,
  streams: () => PodStreams | undefined,
): PodStreaming {
  function podOf(namespace: string, name: string): KubeObject {
    const pod = store.collection(def.storageKey).get(namespace, name);
    if (!pod) throw notFound(def, name);
    return pod;
  }

  function needStreams(): PodStreams {
    const found = streams();
    if (!found) throw serviceUnavailable("no kubelet is connected to this API server");
    return found;
  }

  return {
    async log(exchange, namespace, name) {
      const pod = podOf(namespace, name);
      const container = chooseContainer(pod, exchange.query.get("container"));
      if (text(at(pod, "spec", "nodeName")) === "") {
        exchange.response.writeHead(200, { "Content-Type": "text/plain" });
        exchange.response.end();
        return;
      }
      const options = logOptions(exchange.query, container);
      const { response } = exchange;
      const start = () => {
        if (response.headersSent) return;
        response.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-cache, private" });
        response.flushHeaders();
      };
      // A failure before the first byte is still a Status; a follow of a silent container must show its head at once.
      const opened = options.follow ? setTimeout(start, 500) : undefined;
      try {
        for await (const chunk of needStreams().logs({ namespace, name }, options, exchange.signal)) {
          start();
          if (!response.write(chunk)) await drained(exchange);
          if (exchange.signal.aborted) break;
        }
        start();
        response.end();
      } catch (error) {
        if (!response.headersSent) throw error;
        response.end(`${error instanceof Error ? error.message : String(error)}\n`);
      } finally {
        clearTimeout(opened);
      }
    },
    upgrade(kind, namespace, name, connection) {
      const pod = podOf(namespace, name);
      const { query } = connection;
      if (kind !== "portforward") query.set("container", chooseContainer(pod, query.get("container")));
      if (text(at(pod, "spec", "nodeName")) === "") {
        throw badRequest(`pod ${name} does not have a host assigned`);
      }
      needStreams().upgrade(kind, { namespace, name }, connection);
    },
  };
}

function drained(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    exchange.response.once("drain", resolve);
    exchange.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Refuses an upgrade with a `Status` and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { code, body } = statusOf(error);
  const source = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${code} ${code === 404 ? "Not Found" : "Error"}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(source)}\r\nConnection: close\r\n\r\n${source}`,
  );
}
