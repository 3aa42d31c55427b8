import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { NetworkChoice } from "../network/index.ts";
import { fileProblem } from "./cluster-problem.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** What is known of a cluster, kept in `cluster.json` for other commands. */
export interface ClusterRecord {
  readonly name: string;
  readonly index: number;
  readonly status: "starting" | "ready";
  /** The host process that holds the cluster; when it is gone, so is the cluster. */
  readonly owner: ProcessIdentity;
  readonly startedAt: string;
  readonly apiUrl?: string;
  readonly phases: readonly PhaseTime[];
  readonly network?: NetworkChoice;
  /** No cluster of ours, only its network is on the line. */
  readonly attached?: { readonly netns: string; readonly addresses: readonly string[] };
  /** Kubeconfig file of the user into which this cluster was merged. */
  readonly mergedInto?: string;
}

export interface PhaseTime {
  readonly phase: string;
  /** Units: ms. */
  readonly ms: number;
}

/** `undefined` when there is none or it is unreadable, which counts as a leftover. */
export function readRecord(path: string): ClusterRecord | undefined {
  try {
    return decodeRecord(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Atomic: a reader sees the old or the new record. */
export function writeRecord(path: string, record: ClusterRecord): void {
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw fileProblem(path, error);
  }
}

function decodeRecord(value: unknown): ClusterRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Partial<ClusterRecord>;
  const valid =
    typeof record.name === "string" &&
    typeof record.index === "number" &&
    typeof record.owner?.pid === "number" &&
    typeof record.owner.startTicks === "string" &&
    typeof record.startedAt === "string" &&
    (record.status === "starting" || record.status === "ready") &&
    Array.isArray(record.phases);
  return valid ? (record as ClusterRecord) : undefined;
}
