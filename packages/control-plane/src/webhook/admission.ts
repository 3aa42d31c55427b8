import {
  asKubeObject,
  formatProblem,
  groupOf,
  type InjectorValues,
  isMeshResource,
  isObject,
  type Meta,
  parseResource,
  readMeta,
  refusedKindOf,
} from "@heddle/config";
import { allow, answerInjection, deny, readAdmissionReview } from "@heddle/inject";
import { type MeshState, meshWithProxyConfig } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import type { Patcher } from "@heddle/translate";
import type { Telemetry } from "../telemetry.ts";
import type { AdmissionHandler } from "./https-server.ts";
import { type InjectionPlace, readInjectionPath } from "./injection-path.ts";

export interface InjectionOptions {
  readonly state: () => MeshState;
  /** The control plane's own cluster. */
  readonly clusterId: string;
  /** How fresh labels and annotations of a cluster's namespaces are looked up; undefined: the cluster is not known, or was never in sync. */
  readonly namespacesOf: (clusterId: string) => NamespaceLookup | undefined;
  readonly values: () => InjectorValues;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

export type NamespaceLookup = (name: string) => Pick<Meta, "labels" | "annotations"> | undefined;

/** `/inject`: adds the sidecar to pods, of other clusters too where the path names one. */
export function injectionHandler(options: InjectionOptions): AdmissionHandler {
  const { telemetry, clock, log } = options;
  return async (body, path) => {
    const start = clock.monotonic();
    telemetry.injections.with().value++;
    const request = readAdmissionReview(body);
    const place = readInjectionPath(path);
    const cluster = typeof place === "string" ? "" : (place.cluster ?? options.clusterId);
    const namespaceOf = options.namespacesOf(cluster);
    const problem = [request, place].find((read) => typeof read === "string");
    if (typeof request === "string" || typeof place === "string" || namespaceOf === undefined) {
      telemetry.injectionFailures.with().value++;
      const sentence =
        problem ??
        `cluster ${cluster} is not known to the control plane of ${options.clusterId} yet: heddle create-remote-secret --name ${cluster}, applied there`;
      log.warn("injection was not answered", { reason: sentence });
      return sentence;
    }
    const namespace = await soon(() => namespaceOf(request.namespace), clock);
    const state = options.state();
    const answer = answerInjection(request, {
      namespace: {
        name: request.namespace,
        labels: namespace?.labels ?? {},
        annotations: namespace?.annotations ?? {},
      },
      mesh: meshWithProxyConfig(state, request.namespace, labelsOf(request.object)),
      asked: place.asked,
      values: valuesAt(options.values(), place),
    });
    const outcome = {
      injected: telemetry.injected,
      skipped: telemetry.injectionSkips,
      refused: telemetry.injectionFailures,
    }[answer.outcome];
    outcome.with().value++;
    telemetry.injectionTime.with().observe((clock.monotonic() - start) / 1000);
    log.info(`pod ${answer.outcome}`, {
      namespace: request.namespace,
      pod: request.name || "(generated name)",
      reason: answer.reason,
    });
    return answer.review;
  };
}

/** A pod's namespace exists, so where the watch does not know it yet, it will in a moment. Undefined: not within a second. */
async function soon<T>(find: () => T | undefined, clock: Clock): Promise<T | undefined> {
  for (let i = 0; i < 20; i++) {
    const found = find();
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => void clock.after(50, resolve));
  }
  return find();
}

function valuesAt(values: InjectorValues, { cluster, network }: InjectionPlace): InjectorValues {
  if (cluster === undefined && network === undefined) return values;
  const { global } = values;
  const multiCluster = { ...global.multiCluster, ...(cluster === undefined ? {} : { clusterName: cluster }) };
  return { ...values, global: { ...global, multiCluster, ...(network === undefined ? {} : { network }) } };
}

function labelsOf(pod: unknown): Readonly<Record<string, string>> {
  const object = asKubeObject(pod);
  // A pod to be created may have no name yet, only a prefix.
  const metadata = object?.metadata ?? (isObject(pod) && isObject(pod["metadata"]) ? pod["metadata"] : {});
  return readMeta(metadata).labels;
}

/** `/validate`: refuses mesh resources that would have no effect, with every problem by field. */
export function validationHandler(options: {
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly patcher: Patcher;
}): AdmissionHandler {
  const { telemetry, log, patcher } = options;
  return (body) => {
    const request = readAdmissionReview(body);
    if (typeof request === "string") return request;
    const object = asKubeObject(request.object);
    const refused = object && refusedKindOf(object);
    if (refused !== undefined)
      return deny(request, `${object?.metadata.name ?? refused.kind}: ${refused.reason}`).review;
    // Nothing to check in a deletion, nor in kinds that the mesh does not act on.
    if (object === undefined || !isMeshResource(object))
      return allow(request, "skipped", "not a resource that the mesh reads").review;
    const [group, version] = [groupOf(object.apiVersion), object.apiVersion.split("/").at(-1) ?? ""];
    const parsed = parseResource(object);
    // What a patch holds is Envoy's, so only Envoy's messages can tell whether it is right.
    const patches = parsed.ok && parsed.value.kind === "EnvoyFilter" ? patcher.check(parsed.value) : [];
    const wrong = patches.filter(({ severity }) => severity === "error");
    if (parsed.ok && wrong.length === 0) {
      telemetry.validationPassed.with(group, version, object.kind).value++;
      return allow(request, "skipped", "valid", [...parsed.warnings, ...patches].map(formatProblem)).review;
    }
    telemetry.validationFailed.with(group, version, object.kind, "invalid_resource").value++;
    const message = (parsed.ok ? wrong : parsed.problems).map(formatProblem).join("; ");
    log.info("resource refused", { message });
    return deny(request, message).review;
  };
}
