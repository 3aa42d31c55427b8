import type { Finding } from "@heddle/analysis";
import { isMeshResource, type ObjectRef, type Problem, refKey, refOf, watchedKinds } from "@heddle/config";
import { isKubeError, type KubeClient, listKinds } from "@heddle/kube-client";
import type { MeshState } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import { reconciled, validationMessages, withCondition } from "./conditions.ts";

/** Writes what is wrong with resources into their status: condition `Reconciled`, and `validationMessages` where analysis is on. */
export interface ResourceStatus {
  /** A new state of the mesh. */
  update(state: MeshState): void;
  /** What analysis has found last; resources without findings lose the ones that they had. */
  found(findings: readonly Finding[]): void;
  close(): void;
}

export interface ResourceStatusOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What could not be written is tried again after so long. Units: ms. */
const RETRY_MS = 2000;

/** A resource that was valid all along has no condition: silence costs nothing. Writes are idempotent, so replicas need no leader. */
class Writer implements ResourceStatus {
  readonly #options: ResourceStatusOptions;
  /** Invariant: the problems that the last state had, by reference key. */
  #problems: ReadonlyMap<string, readonly Problem[]> = new Map();
  #findings = new Map<string, readonly Finding[]>();
  /** Findings that a status was asked to hold, as text. */
  readonly #told = new Map<string, string>();
  readonly #due = new Set<string>();
  #swept = false;
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(options: ResourceStatusOptions) {
    this.#options = options;
  }

  update({ problems }: MeshState): void {
    for (const key of new Set([...problems.keys(), ...this.#problems.keys()]))
      if (problems.get(key) !== this.#problems.get(key)) this.#due.add(key);
    this.#problems = problems;
    this.#start();
  }

  found(findings: readonly Finding[]): void {
    const next = new Map<string, Finding[]>();
    for (const one of findings) {
      const key = refKey(one.object);
      const list = next.get(key);
      if (list === undefined) next.set(key, [one]);
      else list.push(one);
    }
    for (const key of new Set([...next.keys(), ...this.#findings.keys()]))
      if (JSON.stringify(next.get(key)) !== this.#told.get(key)) this.#due.add(key);
    this.#findings = next;
    this.#start();
  }

  close(): void {
    this.#closed = true;
  }

  #start(): void {
    if (this.#working !== undefined || this.#closed) return;
    this.#working = this.#work()
      .catch((error) => this.#options.log.warn("writing the status of resources failed", { error }))
      .finally(() => {
        this.#working = undefined;
        // Something became due between the last look and now.
        if (this.#swept && this.#due.size > 0) this.#start();
      });
  }

  async #work(): Promise<void> {
    if (!this.#swept) await this.#sweep();
    const failed: string[] = [];
    for (const key of this.#due) {
      if (this.#closed) return;
      this.#due.delete(key);
      await this.#write(key).catch((error) => {
        failed.push(key);
        this.#options.log.warn("the status of a resource was not written; trying again", { resource: key, error });
      });
    }
    if (failed.length === 0) return;
    this.#options.clock.after(RETRY_MS, () => {
      for (const key of failed) this.#due.add(key);
      this.#start();
    });
  }

  /** What an earlier run of the control plane called invalid may have been mended while none was running. */
  async #sweep(): Promise<void> {
    const { objects } = await listKinds(
      this.#options.kube,
      watchedKinds.filter(({ optional }) => optional),
    );
    for (const object of objects) {
      const status = JSON.stringify(object["status"] ?? {});
      if (status.includes('"Reconciled"') && status.includes('"False"')) this.#due.add(refKey(refOf(object)));
    }
    this.#swept = true;
  }

  async #write(key: string): Promise<void> {
    const { kube, clock } = this.#options;
    const [group = "", kind = "", namespace = "", name = ""] = key.split("/");
    const type = typeOf({ group, kind, namespace, name });
    if (type === undefined) return;
    const ref = { ...type, name, namespace };
    const object = await kube.find(ref);
    if (object === undefined || !isMeshResource(object)) return;
    const now = new Date(clock.now()).toISOString();
    const problems = this.#problems.get(key) ?? [];
    const conditions = withCondition(object["status"], reconciled(problems), object.metadata.generation ?? 0, now);
    const findings = this.#findings.get(key);
    const messages = JSON.stringify(findings) === this.#told.get(key) ? undefined : validationMessages(findings ?? []);
    if (conditions === undefined && messages === undefined) return;
    const status = {
      ...(conditions === undefined ? {} : { conditions }),
      ...(messages === undefined ? {} : { validationMessages: messages }),
    };
    try {
      await kube.patch(ref, { status }, { type: "merge", subresource: "status" });
    } catch (error) {
      // Deleted meanwhile.
      if (!isKubeError(error, 404)) throw error;
    }
    if (findings === undefined) this.#told.delete(key);
    else this.#told.set(key, JSON.stringify(findings));
  }
}

function typeOf(ref: ObjectRef) {
  const found = watchedKinds.find(({ group, kind, optional }) => optional && group === ref.group && kind === ref.kind);
  return found === undefined ? undefined : { group: found.group, version: found.version, resource: found.resource };
}

export function createResourceStatus(options: ResourceStatusOptions): ResourceStatus {
  return new Writer(options);
}
