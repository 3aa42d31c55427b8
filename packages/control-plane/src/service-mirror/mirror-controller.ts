import {
  formatProblem,
  type KubeObject,
  type Link,
  linkDefinition,
  readEndpointSlice,
  readResource,
} from "@heddle/config";
import { isKubeError, type KubeClient, refOf } from "@heddle/kube-client";
import { contentHash, type MirrorChanges, type MirrorObject, mirrorChanges, planMirrors } from "@heddle/model";
import type { Clock, ClockTimer, Logger, MetricsRegistry } from "@heddle/std";
import { createDebounce } from "../mesh/debounce.ts";
import { createProbeMetrics } from "./gateway-probe.ts";
import { followLink, type LinkFollower } from "./link-follower.ts";
import { linkStatus, sameStatus } from "./link-status.ts";
import { createObjectTable } from "./object-table.ts";
import { shareAnchor, trustAnchors } from "./trust-anchors.ts";

/** Keeps the mirrors of every linked cluster as their Services are. */
export interface MirrorController {
  readonly ready: boolean;
  close(): void;
}

export interface MirrorControllerOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly userAgent: string;
  /** Where Links and their Secrets are. */
  readonly namespace: string;
  readonly headless: boolean;
}

const FIELD_MANAGER = "service-mirror";
const SECRET_TYPE = "mirror.linkerd.io/remote-kubeconfig";
/** Many changes come together; what is said at once is written once. Units: ms. */
const QUIET_MS = 50;
const LATEST_MS = 500;
const RETRY_MS = 2000;
/** The same content is not written again so soon, whatever the API server makes of it. Units: ms. */
const REWRITE_MS = 10_000;
const AT_ONCE = 8;
const ANCHORS_EVERY_MS = 10_000;

interface Following {
  readonly link: Link;
  readonly follower: LinkFollower;
  readonly spec: string;
}

class Controller implements MirrorController {
  readonly #options: MirrorControllerOptions;
  readonly #tables: ReturnType<typeof openTables>;
  readonly #followers = new Map<string, Following>();
  readonly #probeMetrics: ReturnType<typeof createProbeMetrics>;
  readonly #repairs;
  readonly #debounce;
  readonly #written = new Map<string, { readonly hash: string; readonly atMs: number }>();
  /** Why a Link has no effect as it is, by its key. */
  readonly #said = new Map<string, string>();
  readonly #anchorTimer: ClockTimer;
  #anchors: string | undefined;
  /** At most one: what goes wrong again and again must not be tried ever more often. */
  #retry: { readonly timer: ClockTimer; readonly atMs: number } | undefined;
  /** When writing an object failed last. */
  readonly #failed = new Map<string, number>();
  #running = false;
  #again = false;
  #closed = false;

  constructor(options: MirrorControllerOptions) {
    this.#options = options;
    this.#probeMetrics = createProbeMetrics(options.metrics);
    this.#repairs = options.metrics.counter({
      name: "service_mirror_endpoint_repairs",
      help: "Increments when the service mirror controller attempts to repair mirror endpoints",
      labels: ["target_cluster_name"],
    });
    this.#debounce = createDebounce({
      clock: options.clock,
      quietMs: QUIET_MS,
      urgentMs: QUIET_MS,
      maxMs: LATEST_MS,
      run: () => void this.#run(),
    });
    this.#tables = openTables(options, () => this.#debounce.trigger(false));
    void this.#readAnchors();
    this.#anchorTimer = options.clock.every(ANCHORS_EVERY_MS, () => void this.#readAnchors());
  }

  async #readAnchors(): Promise<void> {
    const read = await trustAnchors(this.#options.kube).catch(() => this.#anchors);
    if (read === this.#anchors) return;
    this.#anchors = read;
    this.#debounce.trigger(false);
  }

  get ready(): boolean {
    return Object.values(this.#tables).every(({ synced }) => synced);
  }

  async #run(): Promise<void> {
    if (this.#closed || !this.ready) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      do {
        this.#again = false;
        await this.#reconcile();
      } while (this.#again && !this.#closed);
    } catch (error) {
      this.#options.log.error("mirroring failed; it is tried again", { error });
      this.#later(RETRY_MS);
    } finally {
      this.#running = false;
    }
  }

  async #reconcile(): Promise<void> {
    const { namespace, headless } = this.#options;
    const { services, endpoints, slices, namespaces, links } = this.#tables;
    this.#follow();
    const linked = new Map([...this.#followers].map(([key, { follower }]) => [key, follower.cluster]));
    const clusters = [...linked.values()];
    const plan = planMirrors({
      links: clusters,
      namespace,
      headless,
      local: {
        services: [...services.objects.values()],
        slices: [...slices.objects.values()].map(readEndpointSlice),
        pods: new Map(),
        namespaces: new Set([...namespaces.objects.values()].map(({ metadata }) => metadata.name)),
      },
    });
    const present = [services, endpoints, slices].flatMap(({ objects }) => [...objects.values()]);
    await this.#write(mirrorChanges(plan, present, clusters));
    for (const [key, object] of links.objects) {
      const following = this.#followers.get(key);
      const problem = following?.follower.problem ?? this.#said.get(key) ?? "";
      const shared = shareAnchor(this.#anchors, following?.follower.anchors);
      // There is nothing to say yet.
      if (linked.get(key)?.known === false && problem === "") continue;
      const statuses = plan.statuses.filter(({ link }) => link === object.metadata.name);
      await this.#report(object, linkStatus(statuses, problem, shared, this.#now()));
    }
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
  }

  /** A follower for each Link that can be read; the last valid form of a Link stays in force. */
  #follow(): void {
    const { clock, random, log, userAgent } = this.#options;
    const { links, secrets } = this.#tables;
    for (const [key, { follower }] of this.#followers) {
      if (links.objects.has(key)) continue;
      log.info("the cluster is linked no longer; its mirrors go", { link: key });
      follower.close();
      this.#followers.delete(key);
    }
    for (const key of this.#said.keys()) if (!links.objects.has(key)) this.#said.delete(key);
    const owners = new Map<string, string>();
    for (const [key, object] of [...links.objects].sort(byAge)) {
      const read = readResource(linkDefinition, object);
      const link = read.ok ? read.value : this.#followers.get(key)?.link;
      const owner = link && owners.get(link.spec.targetClusterName);
      const taken = `cluster ${link?.spec.targetClusterName} is linked by ${owner} already; give it another name or delete one`;
      const valid = owner === undefined ? "" : taken;
      this.#say(key, read.ok ? valid : read.problems.map(formatProblem).join("; "));
      if (link === undefined) continue;
      const { targetClusterName, clusterCredentialsSecret } = link.spec;
      if (owner !== undefined) {
        this.#followers.get(key)?.follower.close();
        this.#followers.delete(key);
        continue;
      }
      owners.set(targetClusterName, key);
      const spec = contentHash(link.spec);
      const known = this.#followers.get(key);
      if (known?.spec !== spec) {
        known?.follower.close();
        const follower = followLink({
          link,
          clock,
          random,
          userAgent,
          log: log.child(targetClusterName),
          metrics: this.#probeMetrics,
          onChange: () => this.#debounce.trigger(false),
        });
        this.#followers.set(key, { link, follower, spec });
      }
      this.#followers
        .get(key)
        ?.follower.credentials(secrets.objects.get(`${link.ref.namespace}/${clusterCredentialsSecret}`));
    }
  }

  /** Once, not at each look. @param sentence "": all is well. */
  #say(key: string, sentence: string): void {
    if ((this.#said.get(key) ?? "") === sentence) return;
    this.#said.set(key, sentence);
    if (sentence === "") return;
    this.#options.log.warn("a Link has no effect as it is", { link: key, reason: sentence });
  }

  async #write({ apply, remove }: MirrorChanges): Promise<void> {
    const { log, clock } = this.#options;
    const now = clock.monotonic();
    const wanted = new Set([...apply, ...remove].map(nameOf));
    for (const name of this.#failed.keys()) if (!wanted.has(name)) this.#failed.delete(name);
    const due = apply.filter((object) => {
      if (now - (this.#failed.get(nameOf(object)) ?? Number.NEGATIVE_INFINITY) < RETRY_MS) return false;
      const before = this.#written.get(nameOf(object));
      if (before?.hash !== contentHash(object)) return true;
      return now - before.atMs >= REWRITE_MS;
    });
    if (due.length < apply.length) this.#later(REWRITE_MS);
    if (this.#failed.size > 0) this.#later(RETRY_MS);
    const attempt = async (what: KubeObject, run: () => Promise<unknown>): Promise<void> => {
      try {
        await run();
        this.#failed.delete(nameOf(what));
      } catch (error) {
        this.#failed.set(nameOf(what), clock.monotonic());
        this.#later(RETRY_MS);
        log.warn("writing a mirror failed; it is tried again", { object: nameOf(what), error });
      }
    };
    // Services come first: endpoints belong to them.
    const services = due.filter(({ kind }) => kind === "Service");
    for (const batch of [...chunks(services), ...chunks(due.filter(({ kind }) => kind !== "Service"))])
      await Promise.all(batch.map((object) => attempt(object, () => this.#apply(object))));
    for (const batch of chunks(remove))
      await Promise.all(batch.map((object) => attempt(object, () => this.#remove(object))));
    if (due.length + remove.length > 0)
      log.info("mirrors are brought up to date", { written: due.length, removed: remove.length });
  }

  #later(ms: number): void {
    const { clock } = this.#options;
    const atMs = clock.monotonic() + ms;
    if (this.#retry !== undefined && this.#retry.atMs <= atMs) return;
    this.#retry?.timer.cancel();
    const timer = clock.after(ms, () => {
      this.#retry = undefined;
      this.#debounce.trigger(false);
    });
    this.#retry = { timer, atMs };
  }

  async #apply(object: MirrorObject): Promise<void> {
    const { kube, clock } = this.#options;
    const cluster = object.metadata.labels["mirror.linkerd.io/cluster-name"];
    if (object.kind !== "Service" && cluster !== undefined) this.#repairs.with(cluster).value++;
    await kube.patch(refOf(object), object, { type: "apply", force: true, fieldManager: FIELD_MANAGER });
    this.#written.set(nameOf(object), { hash: contentHash(object), atMs: clock.monotonic() });
  }

  async #remove(object: KubeObject): Promise<void> {
    await this.#options.kube.delete(refOf(object));
    this.#written.delete(nameOf(object));
  }

  async #report(object: KubeObject, status: object): Promise<void> {
    if (sameStatus(object["status"], status)) return;
    const { kube, log } = this.#options;
    await kube.patch(refOf(object), { status }, { subresource: "status" }).catch((error: unknown) => {
      // It was deleted meanwhile.
      if (!isKubeError(error, 404)) log.warn("writing a Link's status failed", { link: nameOf(object), error });
    });
  }

  close(): void {
    this.#closed = true;
    this.#debounce.cancel();
    this.#anchorTimer.cancel();
    this.#retry?.timer.cancel();
    for (const { follower } of this.#followers.values()) follower.close();
    for (const table of Object.values(this.#tables)) table.close();
  }
}

function openTables({ kube, log, namespace }: MirrorControllerOptions, onChange: () => void) {
  const open = (group: string, version: string, resource: string, rest: object = {}) =>
    createObjectTable(
      kube,
      { group, version, resource },
      { always: group !== linkDefinition.group, onChange, onError: (error) => log.warn(error.message), ...rest },
    );
  return {
    services: open("", "v1", "services"),
    endpoints: open("", "v1", "endpoints", { labelSelector: "mirror.linkerd.io/cluster-name" }),
    slices: open("discovery.k8s.io", "v1", "endpointslices"),
    namespaces: open("", "v1", "namespaces"),
    secrets: open("", "v1", "secrets", { namespace, fieldSelector: `type=${SECRET_TYPE}` }),
    links: open(linkDefinition.group, linkDefinition.versions[0] ?? "", linkDefinition.plural, { namespace }),
  };
}

function byAge([keyA, a]: readonly [string, KubeObject], [keyB, b]: readonly [string, KubeObject]): number {
  const age = (object: KubeObject) => String(object.metadata["creationTimestamp"] ?? "");
  return age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : keyA < keyB ? -1 : 1;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

function chunks<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) => all.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
}

export function startMirrorController(options: MirrorControllerOptions): MirrorController {
  return new Controller(options);
}
