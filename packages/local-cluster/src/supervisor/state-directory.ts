import { mkdirSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClusterProblem, fileProblem } from "./cluster-problem.ts";

/** Where the files of clusters are. */
export interface StateDirectory {
  readonly root: string;
  readonly lock: string;
  readonly clusters: string;
  cluster(name: string): ClusterFiles;
}

export interface ClusterFiles {
  readonly directory: string;
  readonly record: string;
  readonly kubeconfig: string;
  /** One file per part: `node.log`, `host.log`. */
  readonly logs: string;
  /** Unix socket of the node process for connections from the host. */
  readonly tunnel: string;
  /** For the node process alone: container file systems, volumes. */
  readonly node: string;
}

/** `sun_path` of a Unix socket address holds 107 characters and a zero. */
const MAX_SOCKET_PATH = 107;
const NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
/** Less than this and pods would fail in confusing ways. */
const MIN_FREE_BYTES = 32 * 1024 * 1024;

/** `$HEDDLE_STATE`, else `/run/heddle` for root, `$XDG_RUNTIME_DIR/heddle` or `/tmp/heddle-<uid>` for others. */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>, uid: number): StateDirectory {
  const runtime = env["XDG_RUNTIME_DIR"];
  const fallback = uid === 0 ? "/run/heddle" : runtime ? join(runtime, "heddle") : `/tmp/heddle-${uid}`;
  const chosen = env["HEDDLE_STATE"];
  const root = resolve(chosen === undefined || chosen === "" ? fallback : chosen);
  const clusters = join(root, "clusters");
  return {
    root,
    lock: join(root, "lock"),
    clusters,
    cluster: (name) => {
      const directory = join(clusters, name);
      return {
        directory,
        record: join(directory, "cluster.json"),
        kubeconfig: join(directory, "kubeconfig"),
        logs: join(directory, "log"),
        tunnel: join(directory, "tunnel"),
        node: join(directory, "node"),
      };
    },
  };
}

/** Errors: throws `ClusterProblem` for a name that can't be a context, directory and DNS label at once. */
export function checkClusterName(name: string): void {
  if (NAME.test(name)) return;
  throw new ClusterProblem(
    `"${name}" is no cluster name: 1 to 40 of a–z, 0–9 and "-", beginning and ending with a letter or digit`,
  );
}

/** Makes the state directory. Errors: throws `ClusterProblem` saying what is wrong with it. */
export function prepareStateDirectory(state: StateDirectory): void {
  try {
    mkdirSync(state.clusters, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw fileProblem(state.root, error);
  }
  const { bavail, bsize } = statfsSync(state.root);
  if (bavail * bsize < MIN_FREE_BYTES) {
    throw new ClusterProblem(
      `only ${Math.floor((bavail * bsize) / 1024 / 1024)} MiB left on the disk that holds ${state.root}: free some, or set HEDDLE_STATE to another directory`,
    );
  }
}

/** Errors: throws `ClusterProblem` where the socket's path would not fit. */
export function checkSocketPath(files: ClusterFiles): void {
  if (Buffer.byteLength(files.tunnel) <= MAX_SOCKET_PATH) return;
  throw new ClusterProblem(
    `the path ${files.tunnel} is longer than the ${MAX_SOCKET_PATH} characters that a Unix socket may have: set HEDDLE_STATE to a shorter directory`,
  );
}
