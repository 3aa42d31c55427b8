import type { LogOptions, PodRef, PodStreams, UpgradeRequest } from "../../contract/index.ts";
import { ApiError } from "../../contract/index.ts";
import type { ContainerRunner } from "../container/container-runner.ts";
import type { RunningContainer } from "../container/running-container.ts";
import { readLog } from "../logs/log-reader.ts";
import type { NodeContext } from "../node-context.ts";
import type { PodWorker } from "../pod-worker.ts";
import { runAttach } from "./attach.ts";
import { connectCommand, streamWishes } from "./command-streams.ts";
import { runExec } from "./exec.ts";
import { connectToPod } from "./pod-socket.ts";
import { servePortForward } from "./port-forward.ts";

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The container that a request means. Errors: throws 400 or 404 in the words of Kubernetes. */
export function chooseContainer(worker: PodWorker, wanted: string | undefined): ContainerRunner {
  const { context, runners } = worker;
  const { name } = context;
  if (wanted) {
    const found = runners.find((runner) => runner.record.spec.name === wanted);
    if (found) return found;
    throw new ApiError(400, "BadRequest", `container ${wanted} is not valid for pod ${name}`);
  }
  const annotated = context.pod().metadata.annotations?.[DEFAULT_CONTAINER];
  const byAnnotation = runners.find((runner) => runner.record.spec.name === annotated);
  const [only, second] = runners.filter((runner) => runner.record.role === "main");
  if (byAnnotation) return byAnnotation;
  if (only && !second) return only;
  const names = context.spec.containers.map((container) => container.name).join(" ");
  throw new ApiError(
    400,
    "BadRequest",
    `a container name must be specified for pod ${name}, choose one of: [${names}]`,
  );
}

/** A container's process that is gone is said in plain text, as the kubelet does. */
class PlainFailure extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function createPodStreams(node: NodeContext, find: (pod: PodRef) => PodWorker | undefined): PodStreams {
  const workerOf = (pod: PodRef): PodWorker => {
    const found = find(pod);
    if (found) return found;
    throw new ApiError(404, "NotFound", `pods "${pod.name}" not found`);
  };
  const runningContainer = (worker: PodWorker, query: URLSearchParams): RunningContainer => {
    const { running, record } = chooseContainer(worker, query.get("container") ?? undefined);
    if (running) return running;
    throw new PlainFailure(500, `container not found ("${record.spec.name}")`);
  };

  const command = (kind: "exec" | "attach", pod: PodRef, request: UpgradeRequest): void => {
    const running = runningContainer(workerOf(pod), request.query);
    const argv = request.query.getAll("command");
    if (kind === "exec" && argv.length === 0)
      throw new ApiError(400, "BadRequest", "you must specify at least one command for the container");
    const wishes = streamWishes(request.query);
    const connection = connectCommand(request, wishes);
    if (connection.kind === "refused") throw new PlainFailure(connection.status, connection.message);
    connection.streams
      .then((streams) =>
        kind === "exec" ? runExec(running, argv, wishes.tty, streams, node.syscalls) : runAttach(running, streams),
      )
      .catch(() => {
        // The client left before its streams were there.
        request.socket.destroy();
      });
  };

  const portForward = (pod: PodRef, request: UpgradeRequest): void => {
    const worker = workerOf(pod);
    const { sandbox } = worker;
    if (!sandbox)
      throw new PlainFailure(500, `unable to forward port because pod is not running. Current status=Pending`);
    const refused = servePortForward(request, {
      podName: pod.name,
      podUid: worker.uid,
      connect: (port) => connectToPod(node, sandbox.networkNamespace, port),
    });
    if (refused) throw new PlainFailure(refused.status, refused.message);
  };

  return {
    async *logs(pod: PodRef, options: LogOptions, signal: AbortSignal) {
      const runner = chooseContainer(workerOf(pod), options.container);
      const { name } = runner.record.spec;
      const log = options.previous ? runner.logs.previous : runner.logs.current;
      if (!log) {
        const { state } = runner.record;
        const reason = state.kind === "waiting" ? state.reason : "PodInitializing";
        const why = ["ErrImagePull", "ImagePullBackOff"].includes(reason) ? "trying and failing to pull image" : reason;
        const message = options.previous
          ? `previous terminated container "${name}" in pod "${pod.name}" not found`
          : `container "${name}" in pod "${pod.name}" is waiting to start: ${why}`;
        throw new ApiError(400, "BadRequest", message);
      }
      yield* readLog(log, options, node.clock.now(), signal);
    },

    upgrade(kind, pod, request) {
      // Whatever a client does to its connection must not end the node.
      request.socket.on("error", () => {});
      try {
        if (kind === "portforward") portForward(pod, request);
        else command(kind, pod, request);
      } catch (error) {
        refuse(request, error);
      }
    },
  };
}

function refuse(request: UpgradeRequest, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ApiError ? error.code : error instanceof PlainFailure ? error.status : 500;
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: "InternalError",
    code,
  };
  const body =
    error instanceof ApiError
      ? JSON.stringify({ ...status, reason: error.reason })
      : error instanceof PlainFailure
        ? message
        : JSON.stringify(status);
  const type = error instanceof PlainFailure ? "text/plain; charset=utf-8" : "application/json";
  const head = `HTTP/1.1 ${code} Refused\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  request.socket.end(`${head}${body}`);
}
