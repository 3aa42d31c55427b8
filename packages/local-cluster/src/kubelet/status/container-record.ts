import type { ContainerSpec } from "../spec/container-spec.ts";

export interface Terminated {
  readonly kind: "terminated";
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string | undefined;
  readonly startedMs: number | undefined;
  readonly finishedMs: number;
  readonly containerId: string | undefined;
}

export type ContainerState =
  | { readonly kind: "waiting"; readonly reason: string; readonly message: string | undefined }
  | { readonly kind: "running"; readonly startedMs: number }
  | Terminated;

/** What is known of a container at one moment. */
export interface ContainerRecord {
  readonly spec: ContainerSpec;
  readonly role: "init" | "sidecar" | "main";
  readonly state: ContainerState;
  readonly lastState: Terminated | undefined;
  readonly restartCount: number;
  readonly containerId: string | undefined;
  readonly imageId: string;
  /** Passed its startup probe, or runs without one. */
  readonly started: boolean;
  readonly ready: boolean;
}

/** The record of a container that was not begun yet. */
export const newRecord = (spec: ContainerSpec, role: ContainerRecord["role"], waitsFor: string): ContainerRecord => ({
  spec,
  role,
  state: { kind: "waiting", reason: waitsFor, message: undefined },
  lastState: undefined,
  restartCount: 0,
  containerId: undefined,
  imageId: "",
  started: false,
  ready: false,
});

/** Whether the restart policy wants a container that ended with `exitCode` to run again. */
export function wantsRestart(role: ContainerRecord["role"], policy: string, exitCode: number): boolean {
  if (role === "sidecar") return true;
  if (policy === "Never") return false;
  if (policy === "OnFailure" || role === "init") return exitCode !== 0;
  return true;
}
