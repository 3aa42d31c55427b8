import { isObject } from "@heddle/config";
import { isKubeError, type KubeClient, type KubeObject, type Watch } from "@heddle/kube-client";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { Telemetry } from "../telemetry.ts";

/** Keeps our root in the webhook configurations that point to us, so that the API server trusts the webhook server. */
export interface CaBundlePatcher {
  start(): void;
  /** Another root is in force. */
  refresh(): void;
  close(): void;
}

export interface CaBundlePatcherOptions {
  readonly kube: KubeClient;
  readonly namespace: string;
  readonly roots: () => string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

/** A change of one webhook of a configuration, as JSON patch operations. */
export function bundlePatch(configuration: KubeObject, caBundle: string, close: boolean): readonly unknown[] {
  const webhooks = Array.isArray(configuration["webhooks"]) ? configuration["webhooks"] : [];
  return webhooks.flatMap((webhook, i) => {
    if (!isObject(webhook) || !isObject(webhook["clientConfig"])) return [];
    const operations: unknown[] = [];
    if (webhook["clientConfig"]["caBundle"] !== caBundle) {
      operations.push({ op: "add", path: `/webhooks/${i}/clientConfig/caBundle`, value: caBundle });
    }
    // Validation starts open, or nothing could be applied before we serve; now we do.
    if (close && webhook["failurePolicy"] === "Ignore")
      operations.push({ op: "replace", path: `/webhooks/${i}/failurePolicy`, value: "Fail" });
    return operations;
  });
}

const MUTATING = "mutatingwebhookconfigurations";
const VALIDATING = "validatingwebhookconfigurations";

const reasonOf = (error: unknown): string => (isKubeError(error) ? error.reason : "Unknown");

class Patcher implements CaBundlePatcher {
  readonly #options: CaBundlePatcherOptions;
  readonly #latest = new Map<string, { object: KubeObject; resource: string }>();
  readonly #watches: Watch[] = [];
  #retry: ClockTimer | undefined;

  constructor(options: CaBundlePatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watch(MUTATING, "istio-sidecar-injector");
    this.#watch(VALIDATING, `istio-validator-${this.#options.namespace}`);
  }

  #watch(resource: string, name: string): void {
    const watch = this.#options.kube.watch(
      { group: "admissionregistration.k8s.io", version: "v1", resource },
      {
        onEvent: ({ type, object }) => {
          if (type === "DELETED") this.#latest.delete(resource);
          else {
            this.#latest.set(resource, { object, resource });
            void this.#patch(object, resource);
          }
        },
        onError: (error) => {
          if (resource === VALIDATING) this.#options.telemetry.validationLoadErrors.with(reasonOf(error)).value++;
        },
      },
      { fieldSelector: `metadata.name=${name}` },
    );
    this.#watches.push(watch);
  }

  refresh(): void {
    for (const { object, resource } of this.#latest.values()) void this.#patch(object, resource);
  }

  async #patch(object: KubeObject, resource: string): Promise<void> {
    const { kube, roots, log, clock, telemetry } = this.#options;
    const caBundle = Buffer.from(roots()).toString("base64");
    const patch = bundlePatch(object, caBundle, resource === VALIDATING);
    if (patch.length === 0) return;
    const { name, resourceVersion } = object.metadata;
    // Indexes into a list: only for the version that was read. A newer one comes by the watch.
    const guard =
      resourceVersion === undefined ? [] : [{ op: "test", path: "/metadata/resourceVersion", value: resourceVersion }];
    if (resource === MUTATING) telemetry.patchAttempts.with(name).value++;
    try {
      await kube.patch({ group: "admissionregistration.k8s.io", version: "v1", resource, name }, [...guard, ...patch], {
        type: "json",
      });
      if (resource === VALIDATING) telemetry.validationUpdates.with().value++;
      log.info("webhook configuration trusts our root now", { name });
    } catch (error) {
      if (resource === VALIDATING) telemetry.validationUpdateErrors.with(reasonOf(error)).value++;
      else {
        telemetry.patchFailures.with(name, "webhook_update_failure").value++;
        telemetry.patchRetries.with(name).value++;
      }
      log.warn("patching a webhook configuration failed; trying again", { name, error });
      this.#retry?.cancel();
      this.#retry = clock.after(2000, () => this.refresh());
    }
  }

  close(): void {
    this.#retry?.cancel();
    for (const watch of this.#watches) watch.close();
  }
}

export function createCaBundlePatcher(options: CaBundlePatcherOptions): CaBundlePatcher {
  return new Patcher(options);
}
