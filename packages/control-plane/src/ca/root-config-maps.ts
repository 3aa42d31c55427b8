import { isObject } from "@heddle/config";
import { isKubeError, type KubeClient, type Watch } from "@heddle/kube-client";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { configText } from "../secrets/data-text.ts";

const name = "istio-ca-root-cert";
const key = "root-cert.pem";

/** Keeps ConfigMap `istio-ca-root-cert` in every namespace: pods mount it to trust the control plane and each other. */
export interface RootConfigMaps {
  start(): void;
  /** Another root is in force: rewrites them all. */
  refresh(): void;
  close(): void;
}

export interface RootConfigMapsOptions {
  readonly kube: KubeClient;
  readonly roots: () => string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Each write is idempotent, so several replicas do it side by side without a leader. */
class Writer implements RootConfigMaps {
  readonly #options: RootConfigMapsOptions;
  readonly #namespaces = new Set<string>();
  /** What each namespace's ConfigMap holds, as last seen. */
  readonly #seen = new Map<string, string>();
  readonly #due = new Set<string>();
  readonly #watches: Watch[] = [];
  #running = false;
  #synced = 0;
  #retry: ClockTimer | undefined;
  #closed = false;

  constructor(options: RootConfigMapsOptions) {
    this.#options = options;
  }

  start(): void {
    const { kube } = this.#options;
    const onSync = (): void => {
      this.#synced++;
      this.refresh();
    };
    this.#watches.push(
      kube.watch(
        { group: "", version: "v1", resource: "namespaces" },
        {
          onSync,
          onEvent: ({ type, object }) => {
            const phase = isObject(object["status"]) ? object["status"]["phase"] : undefined;
            if (type === "DELETED" || phase === "Terminating") this.#namespaces.delete(object.metadata.name);
            else this.#namespaces.add(object.metadata.name);
            this.#check(object.metadata.name);
          },
        },
      ),
      kube.watch(
        { group: "", version: "v1", resource: "configmaps" },
        {
          onSync,
          onEvent: ({ type, object }) => {
            const namespace = object.metadata.namespace ?? "";
            if (type === "DELETED") this.#seen.delete(namespace);
            else this.#seen.set(namespace, configText(object, key));
            this.#check(namespace);
          },
        },
        { fieldSelector: `metadata.name=${name}` },
      ),
    );
  }

  refresh(): void {
    for (const namespace of this.#namespaces) this.#check(namespace);
  }

  #check(namespace: string): void {
    // Before both lists are known, every namespace would look as if it lacked one.
    if (this.#synced < 2 || !this.#namespaces.has(namespace)) return;
    if (this.#seen.get(namespace) === this.#options.roots()) return;
    this.#due.add(namespace);
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    let failed = false;
    while (this.#due.size > 0 && !this.#closed) {
      const batch = [...this.#due].slice(0, 8);
      for (const namespace of batch) this.#due.delete(namespace);
      const outcomes = await Promise.all(batch.map((namespace) => this.#write(namespace)));
      for (const [i, written] of outcomes.entries()) {
        if (written) continue;
        this.#due.add(batch[i] ?? "");
        failed = true;
      }
      if (failed) break;
    }
    this.#running = false;
    if (failed && !this.#closed) this.#retry = this.#options.clock.after(2000, () => void this.#run());
  }

  async #write(namespace: string): Promise<boolean> {
    const { kube, roots, log } = this.#options;
    const data = { [key]: roots() };
    const labels = { "istio.io/config": "true" };
    try {
      if (this.#seen.has(namespace)) {
        await kube.patch(
          { group: "", version: "v1", resource: "configmaps", name, namespace },
          { metadata: { labels }, data },
        );
      } else {
        await kube.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data });
      }
      return true;
    } catch (error) {
      // Another replica was faster, or the namespace is going; what the watch says next decides.
      if (
        isKubeError(error, 409) ||
        isKubeError(error, 404) ||
        (isKubeError(error, 403) && /being terminated/.test(error.message))
      )
        return true;
      log.warn("writing the root certificate failed; trying again", { namespace, error });
      return false;
    }
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    for (const watch of this.#watches) watch.close();
  }
}

export function createRootConfigMaps(options: RootConfigMapsOptions): RootConfigMaps {
  return new Writer(options);
}
