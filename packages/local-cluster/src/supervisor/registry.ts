import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { MAX_CLUSTERS } from "../network/index.ts";
import { ClusterProblem, errorCode, fileProblem } from "./cluster-problem.ts";
import { type ClusterRecord, readRecord, writeRecord } from "./cluster-record.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process-identity.ts";
import { checkClusterName, checkSocketPath, prepareStateDirectory, type StateDirectory } from "./state-directory.ts";

/** The clusters of this user on this machine. */
export interface ClusterRegistry {
  /** Clusters whose owner lives. */
  list(): readonly ClusterRecord[];
  find(name: string): ClusterRecord | undefined;
  /**
   * Takes a name and a free index for this process, removing what killed clusters left behind.
   * Errors: `ClusterProblem` when the name is in use, no index is free or the state directory can't be written.
   */
  reserve(name: string): Promise<ClusterRecord>;
  update(record: ClusterRecord): void;
  /** Removes the cluster's directory. Idempotent. */
  remove(name: string): void;
}

const LOCK_WAIT_MS = 5000;
const LOCK_POLL_MS = 20;

class FileRegistry implements ClusterRegistry {
  readonly #state: StateDirectory;
  readonly #now: () => Date;

  constructor(state: StateDirectory, now: () => Date) {
    this.#state = state;
    this.#now = now;
  }

  list(): readonly ClusterRecord[] {
    return this.#names().flatMap((name) => this.find(name) ?? []);
  }

  find(name: string): ClusterRecord | undefined {
    const record = readRecord(this.#state.cluster(name).record);
    return record !== undefined && isAlive(record.owner) ? record : undefined;
  }

  async reserve(name: string): Promise<ClusterRecord> {
    checkClusterName(name);
    checkSocketPath(this.#state.cluster(name));
    prepareStateDirectory(this.#state);
    const unlock = await this.#lock();
    try {
      return this.#reserveLocked(name);
    } finally {
      unlock();
    }
  }

  #reserveLocked(name: string): ClusterRecord {
    for (const other of this.#names()) if (this.find(other) === undefined) this.remove(other);
    const present = this.list();
    const same = present.find((record) => record.name === name);
    if (same !== undefined) {
      throw new ClusterProblem(
        `cluster "${name}" is running already (process ${same.owner.pid}, since ${same.startedAt}): ` +
          `use it (heddle local kubeconfig --name ${name}), end it (heddle local down --name ${name}), or choose another --name`,
      );
    }
    const used = new Set(present.map((record) => record.index));
    const index = Array.from({ length: MAX_CLUSTERS }, (_, i) => i).find((i) => !used.has(i));
    if (index === undefined) throw new ClusterProblem(`${MAX_CLUSTERS} clusters are running already; end one first`);
    const owner = identifyProcess(process.pid);
    if (owner === undefined) throw new ClusterProblem("/proc is not readable; the embedded cluster needs it mounted");
    const record: ClusterRecord = {
      name,
      index,
      status: "starting",
      owner,
      startedAt: this.#now().toISOString(),
      phases: [],
    };
    const files = this.#state.cluster(name);
    try {
      for (const directory of [files.directory, files.logs, files.node]) {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
      }
    } catch (error) {
      throw fileProblem(files.directory, error);
    }
    writeRecord(files.record, record);
    return record;
  }

  update(record: ClusterRecord): void {
    writeRecord(this.#state.cluster(record.name).record, record);
  }

  remove(name: string): void {
    rmSync(this.#state.cluster(name).directory, { recursive: true, force: true, maxRetries: 3 });
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.#state.clusters).sort();
    } catch {
      return [];
    }
  }

  /** An exclusively created file; one whose owner is gone is taken over. */
  async #lock(): Promise<() => void> {
    const deadline = performance.now() + LOCK_WAIT_MS;
    for (;;) {
      try {
        const fd = openSync(this.#state.lock, "wx", 0o600);
        writeSync(fd, JSON.stringify(identifyProcess(process.pid) ?? null));
        closeSync(fd);
        return () => rmSync(this.#state.lock, { force: true });
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw fileProblem(this.#state.lock, error);
      }
      const holder = readHolder(this.#state.lock);
      if (holder === "gone") rmSync(this.#state.lock, { force: true });
      else if (performance.now() > deadline) {
        throw new ClusterProblem(
          `another heddle process holds ${this.#state.lock}; try again, or remove that file if none runs`,
        );
      } else await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  }
}

function readHolder(path: string): "present" | "gone" {
  try {
    const text = readFileSync(path, "utf8");
    // Empty: its owner is just writing it.
    if (text === "") return "present";
    return isAlive(JSON.parse(text) as ProcessIdentity) ? "present" : "gone";
  } catch {
    return "present";
  }
}

export function createRegistry(state: StateDirectory, now: () => Date = () => new Date()): ClusterRegistry {
  return new FileRegistry(state, now);
}
