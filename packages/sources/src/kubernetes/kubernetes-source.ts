import { asKubeObject, ingressKinds, isObject, refOf, type WatchedKind, watchedKinds } from "@heddle/config";
import type { KubeClient, Watch } from "@heddle/kube-client";
import type { Clock, ClockTimer } from "@heddle/std";
import type { Source, SourceSink } from "../source.ts";

/** A collection to follow. */
export interface FollowedKind extends WatchedKind {
  /** Only this namespace. Default: all. */
  readonly namespace?: string;
  readonly fieldSelector?: string;
}

export interface KubernetesSourceOptions {
  readonly kube: Pick<KubeClient, "watch" | "request">;
  readonly clock: Clock;
  /** Default: everything that the mesh is built from, and the mesh's ConfigMaps. */
  readonly kinds?: readonly FollowedKind[];
  /** Where ConfigMaps `istio` and `istio-sidecar-injector` are. Default: `istio-system`. */
  readonly rootNamespace?: string;
  /** How often to look for CRDs that were not there. Units: ms. Default: 2000. */
  readonly discoveryMs?: number;
}

/** What the control plane follows in clusters that bring services only: configuration comes from its own. */
export const registryKinds: readonly FollowedKind[] = watchedKinds.filter(({ optional }) => !optional);

/** What the control plane follows in a cluster. */
function followedKinds(rootNamespace: string): readonly FollowedKind[] {
  const configMaps = { group: "", version: "v1", kind: "ConfigMap", resource: "configmaps", optional: false };
  return [
    ...watchedKinds,
    ...ingressKinds,
    ...["istio", "istio-sidecar-injector"].map((name) => ({
      ...configMaps,
      namespace: rootNamespace,
      fieldSelector: `metadata.name=${name}`,
    })),
  ];
}

/** Lists and watches the API server. Kinds whose CRD is not installed are followed as soon as it is. */
class KubernetesSource implements Source {
  readonly name = "kubernetes";
  readonly #options: KubernetesSourceOptions;
  readonly #kinds: readonly FollowedKind[];
  readonly #watches: Watch[] = [];
  /** Kinds without CRD so far. */
  #absent: FollowedKind[] = [];
  #sink: SourceSink | undefined;
  #unsynced = 0;
  /** Resources whose watch is interrupted. */
  readonly #failing = new Set<string>();
  #timer: ClockTimer | undefined;

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    this.#kinds = options.kinds ?? followedKinds(options.rootNamespace ?? "istio-system");
  }

  start(sink: SourceSink): void {
    if (this.#sink !== undefined) return;
    this.#sink = sink;
    // One more than the watches: the first look for CRDs has to be over before anything is called complete.
    this.#unsynced = 1;
    for (const kind of this.#kinds) {
      if (kind.optional) this.#absent.push(kind);
      else this.#follow(kind, true);
    }
    void this.#discover(true);
  }

  close(): void {
    this.#sink = undefined;
    this.#timer?.cancel();
    for (const watch of this.#watches) watch.close();
    this.#watches.length = 0;
  }

  #follow(kind: FollowedKind, first: boolean): void {
    if (first) this.#unsynced++;
    const { group, version, resource, namespace, fieldSelector } = kind;
    const watch = this.#options.kube.watch(
      { group, version, resource, ...(namespace !== undefined && { namespace }) },
      {
        onEvent: (event) => {
          const object = asKubeObject(event.object);
          if (object === undefined) return;
          this.#sink?.onEvent(
            event.type === "DELETED" ? { kind: "delete", ref: refOf(object) } : { kind: "upsert", object },
          );
        },
        onSync: () => first && this.#synced(),
        onOpen: () => {
          if (this.#failing.delete(resource) && this.#failing.size === 0) this.#sink?.onRecovered?.();
        },
        onError: (error, retryInMs) => {
          this.#failing.add(resource);
          const retry = `trying again in ${(retryInMs / 1000).toFixed(1)} s`;
          this.#sink?.onProblem({
            source: this.name,
            reason: `watching ${resource} failed: ${error.message}; ${retry}`,
          });
        },
      },
      fieldSelector === undefined ? {} : { fieldSelector },
    );
    this.#watches.push(watch);
  }

  #synced(): void {
    if (--this.#unsynced === 0) this.#sink?.onSynced();
  }

  async #discover(first: boolean): Promise<void> {
    const groups = new Set(this.#absent.map((kind) => `${kind.group}/${kind.version}`));
    let complete = true;
    for (const group of groups) {
      const served = await this.#served(group);
      if (this.#sink === undefined) return;
      if (served === undefined) complete = false;
      const found = this.#absent.filter(
        (kind) => `${kind.group}/${kind.version}` === group && served?.has(kind.resource),
      );
      this.#absent = this.#absent.filter((kind) => !found.includes(kind));
      for (const kind of found) this.#follow(kind, first);
    }
    // While the API server is away it is not known whether there are CRDs: not complete.
    if (first && complete) this.#synced();
    if (this.#absent.length === 0) return;
    const again = first && !complete;
    this.#timer = this.#options.clock.after(this.#options.discoveryMs ?? 2000, () => void this.#discover(again));
  }

  /** The resources of a group version; undefined when the API server did not answer. */
  async #served(groupVersion: string): Promise<ReadonlySet<string> | undefined> {
    try {
      const list: unknown = await (await this.#options.kube.request("GET", `/apis/${groupVersion}`)).json();
      const resources = isObject(list) && Array.isArray(list["resources"]) ? list["resources"] : [];
      return new Set(resources.filter(isObject).map((resource) => String(resource["name"])));
    } catch (error) {
      const code = isObject(error) ? error["code"] : undefined;
      if (code === 404) return new Set();
      const reason = error instanceof Error ? error.message : String(error);
      this.#sink?.onProblem({ source: this.name, reason: `asking for ${groupVersion} failed: ${reason}` });
      return undefined;
    }
  }
}

export function createKubernetesSource(options: KubernetesSourceOptions): Source {
  return new KubernetesSource(options);
}
