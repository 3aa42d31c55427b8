import type { LogOptions, PodRef, PodStreams, UpgradeRequest } from "../../contract/index.ts";
import { ApiError } from "../../contract/index.ts";
import type { ContainerRunner } from "../container/container-runner.ts";
import { readLog } from "../logs/log-reader.ts";
import type { NodeContext } from "../node-context.ts";
import type { PodWorker } from "../pod-worker.ts";

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The container that a request means. Errors: throws 400 or 404 in the words of Kubernetes. */
export function chooseContainer(worker: PodWorker, wanted: string | undefined): ContainerRunner {
  const { context, runners } = worker;
  const { name } = context;
  if (wanted !== undefined) {
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

export function createPodStreams(node: NodeContext, find: (pod: PodRef) => PodWorker | undefined): PodStreams {
  const worker = (pod: PodRef): PodWorker => {
    const found = find(pod);
    if (found) return found;
    throw new ApiError(404, "NotFound", `pods "${pod.name}" not found`);
  };
  return {
    async *logs(pod: PodRef, options: LogOptions, signal: AbortSignal) {
      const runner = chooseContainer(worker(pod), options.container);
      const { name } = runner.record.spec;
      const log = options.previous ? runner.logs.previous : runner.logs.current;
      if (!log) {
        const { state } = runner.record;
        const why = state.kind === "waiting" ? `is waiting to start: ${state.message ?? state.reason}` : "has no log";
        const message = options.previous
          ? `previous terminated container "${name}" in pod "${pod.name}" not found`
          : `container "${name}" in pod "${pod.name}" ${why}`;
        throw new ApiError(400, "BadRequest", message);
      }
      yield* readLog(log, options, node.clock.now(), signal);
    },
    upgrade(_kind: "exec" | "attach" | "portforward", _pod: PodRef, _request: UpgradeRequest) {},
  };
}
