import { isObject, type WorkloadGroup } from "@heddle/config";
import { isKubeError, type KubeClient, type KubeObject } from "@heddle/kube-client";
import type { MeshState } from "@heddle/model";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { conditionsOf } from "../status/conditions.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Connection } from "../xds/connection.ts";
import { entryOf, GROUP_METADATA, registeredName } from "./registered-entry.ts";

/** Keeps a WorkloadEntry for each workload outside of the cluster that is connected and names its WorkloadGroup. */
export interface WorkloadRegistrar {
  /** Why the workload may not have what it asks for; undefined when it may, or asks for nothing. */
  refusal(connection: Pick<Connection, "node" | "metadata" | "caller">): string | undefined;
  connected(connection: Connection): void;
  disconnected(connection: Connection): void;
  /** What the workload's agent found. @param problem Undefined: it is well. */
  healthReported(connection: Connection, problem: string | undefined): void;
  /** Removes what another replica has left behind. */
  start(): void;
  close(): void;
}

export interface WorkloadRegistrarOptions {
  readonly kube: Pick<KubeClient, "get" | "find" | "create" | "patch" | "delete">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly state: () => MeshState;
  /** Name of this replica: whoever an entry names answers for it. */
  readonly instance: string;
  /** How long a workload may be away. Source: Istio PILOT_WORKLOAD_ENTRY_GRACE_PERIOD. Units: ms. */
  readonly graceMs: number;
}

const CONTROLLER = "istio.io/workloadController";
const CONNECTED = "istio.io/connectedAt";
const DISCONNECTED = "istio.io/disconnectedAt";
const RETRY_MS = 2000;
const CLEANUP_MS = 10_000;
/** A replica that ended without a word answers for nobody after this. Source: Istio, 1.5 × keepalive max connection age. Units: ms. */
const ABANDONED_MS = 45 * 60_000;

class Registrar implements WorkloadRegistrar {
  readonly #options: WorkloadRegistrarOptions;
  /** Connections by the entry that they keep, `namespace/name`. */
  readonly #kept = new Map<string, Connection>();
  /** One write after the other for each entry. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #health = new Map<string, string>();
  #cleanup: ClockTimer | undefined;
  #closed = false;

  constructor(options: WorkloadRegistrarOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cleanup = this.#options.clock.every(CLEANUP_MS, () => this.#removeAbandoned());
  }

  close(): void {
    this.#closed = true;
    this.#cleanup?.cancel();
  }

  refusal({ node, metadata, caller }: Pick<Connection, "node" | "metadata" | "caller">): string | undefined {
    const name = groupName(metadata);
    if (name === undefined) return undefined;
    const group = this.#group(node.namespace, name);
    if (group === undefined)
      return `WorkloadGroup ${node.namespace}/${name} does not exist; apply it before the workload starts (heddle experimental workload group create)`;
    const account = group.spec.template.serviceAccount ?? "default";
    if (caller === undefined) return "a workload registers itself only over the authenticated port 15012";
    if (caller.identity.serviceAccount !== account)
      return `WorkloadGroup ${node.namespace}/${name} is for service account ${account}, but the caller is ${caller.identity.id}`;
    return undefined;
  }

  connected(connection: Connection): void {
    const key = this.#keyOf(connection);
    if (key === undefined) return;
    this.#kept.set(key, connection);
    this.#health.delete(key);
    this.#write(key, () => this.#register(key, connection));
  }

  disconnected(connection: Connection): void {
    const key = this.#keyOf(connection);
    // A newer stream of the same workload keeps it.
    if (key === undefined || this.#kept.get(key) !== connection) return;
    this.#kept.delete(key);
    this.#health.delete(key);
    const since = this.#nowText();
    this.#write(key, async () => {
      await this.#annotate(key, { [DISCONNECTED]: since, [CONNECTED]: null });
      this.#options.telemetry.unregistrations.with().value++;
    });
    this.#options.clock.after(this.#options.graceMs, () => {
      if (this.#closed || this.#kept.has(key)) return;
      this.#write(key, () => this.#removeIfStill(key, since));
    });
  }

  healthReported(connection: Connection, problem: string | undefined): void {
    const key = this.#keyOf(connection);
    const said = problem ?? "";
    if (key === undefined || this.#health.get(key) === said) return;
    this.#health.set(key, said);
    this.#write(key, () => this.#setHealth(key, problem));
  }

  #group(namespace: string, name: string): WorkloadGroup | undefined {
    return this.#options.state().objects.workloadGroups.get(`${namespace}/${name}`);
  }

  #keyOf({ node, metadata }: Pick<Connection, "node" | "metadata">): string | undefined {
    const group = metadata["HEDDLE_STREAM"] === "names" ? undefined : groupName(metadata);
    return group === undefined ? undefined : `${node.namespace}/${registeredName(group, node.ip, node.network)}`;
  }

  #nowText(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }

  /** Runs after what was begun for this entry before, again and again until it succeeds or makes no sense any more. */
  #write(key: string, write: () => Promise<void>): void {
    const before = this.#writes.get(key) ?? Promise.resolve();
    const run = before.then(async () => {
      while (!this.#closed) {
        try {
          return await write();
        } catch (error) {
          if (isKubeError(error, 404)) return;
          this.#options.telemetry.registrationErrors.with().value++;
          this.#options.log.warn("writing a WorkloadEntry failed; trying again", { entry: key, error });
          await new Promise<void>((resolve) => void this.#options.clock.after(RETRY_MS, resolve));
        }
      }
    });
    this.#writes.set(key, run);
    void run.then(() => {
      if (this.#writes.get(key) === run) this.#writes.delete(key);
    });
  }

  async #register(key: string, connection: Connection): Promise<void> {
    const { kube, log, instance, telemetry } = this.#options;
    if (this.#kept.get(key) !== connection) return;
    const name = groupName(connection.metadata) ?? "";
    const group = this.#group(connection.node.namespace, name);
    if (group === undefined) return;
    const annotations = { [CONTROLLER]: instance, [CONNECTED]: this.#nowText() };
    const takeOver = async (): Promise<void> => {
      await this.#annotate(key, { ...annotations, [DISCONNECTED]: null });
      telemetry.registrationUpdates.with().value++;
    };
    if ((await kube.find(refTo(key))) !== undefined) return takeOver();
    try {
      await kube.create(entryOf(group, connection.node, annotations));
      telemetry.registrations.with().value++;
      log.info("workload registered", { entry: key, group: name, identity: connection.caller?.identity.id });
    } catch (error) {
      if (!isKubeError(error, 409)) throw error;
      await takeOver();
    }
  }

  async #annotate(key: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#options.kube.patch(refTo(key), { metadata: { annotations } });
  }

  async #removeIfStill(key: string, since: string): Promise<void> {
    const object = await this.#options.kube.find(refTo(key));
    if (object === undefined || object.metadata.annotations?.[DISCONNECTED] !== since) return;
    await this.#options.kube.delete(refTo(key));
    this.#options.telemetry.registrationDeletes.with().value++;
    this.#options.log.info("workload is gone; its WorkloadEntry is removed", { entry: key });
  }

  async #setHealth(key: string, problem: string | undefined): Promise<void> {
    const { kube, log } = this.#options;
    const object: KubeObject = await kube.get(refTo(key));
    const status = isObject(object["status"]) ? object["status"] : {};
    const healthy = {
      type: "Healthy",
      status: problem === undefined ? "True" : "False",
      ...(problem === undefined ? {} : { message: problem }),
      lastProbeTime: this.#nowText(),
      lastTransitionTime: this.#nowText(),
    };
    const conditions = [...conditionsOf(status).filter((condition) => condition["type"] !== "Healthy"), healthy];
    await kube.patch(refTo(key), { status: { ...status, conditions } }, { subresource: "status" });
    log.info(problem === undefined ? "workload is healthy" : "workload is not healthy", { entry: key, problem });
  }

  #removeAbandoned(): void {
    const now = this.#options.clock.now();
    for (const [key, { meta }] of this.#options.state().objects.workloadEntries) {
      if (meta.annotations[CONTROLLER] === undefined || this.#kept.has(key)) continue;
      const left = meta.annotations[DISCONNECTED];
      const since = Date.parse(left ?? meta.annotations[CONNECTED] ?? "");
      const limit = left === undefined ? ABANDONED_MS : this.#options.graceMs + CLEANUP_MS;
      if (!(now - since > limit) || this.#writes.has(key)) continue;
      if (left !== undefined) this.#write(key, () => this.#removeIfStill(key, left));
      else this.#write(key, () => this.#annotate(key, { [DISCONNECTED]: this.#nowText(), [CONNECTED]: null }));
    }
  }
}

function groupName(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const name = metadata[GROUP_METADATA];
  return typeof name === "string" && name !== "" ? name : undefined;
}

function refTo(key: string) {
  const [namespace = "", name = ""] = key.split("/");
  return { group: "networking.istio.io", version: "v1", resource: "workloadentries", namespace, name };
}

export function createWorkloadRegistrar(options: WorkloadRegistrarOptions): WorkloadRegistrar {
  return new Registrar(options);
}
