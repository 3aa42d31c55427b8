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
} from "@heddle/config";
import { allow, answerInjection, deny, readAdmissionReview } from "@heddle/inject";
import { type MeshState, meshWithProxyConfig } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import type { Patcher } from "@heddle/translate";
import type { Telemetry } from "../telemetry.ts";
import type { AdmissionHandler } from "./https-server.ts";

export interface InjectionOptions {
  readonly state: () => MeshState;
  /** Labels and annotations of a namespace, as fresh as they are known. */
  readonly namespaceOf: (name: string) => Pick<Meta, "labels" | "annotations"> | undefined;
  readonly values: () => InjectorValues;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

/** `/inject`: adds the sidecar to pods. */
export function injectionHandler(options: InjectionOptions): AdmissionHandler {
  const { telemetry, clock, log } = options;
  return (body) => {
    const start = clock.monotonic();
    telemetry.injections.with().value++;
    const request = readAdmissionReview(body);
    if (typeof request === "string") {
      telemetry.injectionFailures.with().value++;
      return request;
    }
    const state = options.state();
    const namespace = options.namespaceOf(request.namespace);
    const answer = answerInjection(request, {
      namespace: {
        name: request.namespace,
        labels: namespace?.labels ?? {},
        annotations: namespace?.annotations ?? {},
      },
      mesh: meshWithProxyConfig(state, request.namespace, labelsOf(request.object)),
      values: options.values(),
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
    // Nothing to check in a deletion, nor in kinds that the mesh does not act on.
    if (object === undefined || !isMeshResource(object))
      return allow(request, "skipped", "not a resource that the mesh reads").review;
    const [group, version] = [groupOf(object.apiVersion), object.apiVersion.split("/").at(-1) ?? ""];
    const parsed = parseResource(object);
    // What a patch holds is Envoy's, so only Envoy's messages can tell whether it is right.
    const patches = parsed.ok && parsed.value.kind === "EnvoyFilter" ? patcher.check(parsed.value) : [];
    if (parsed.ok && patches.length === 0) {
      telemetry.validationPassed.with(group, version, object.kind).value++;
      return allow(request, "skipped", "valid", parsed.warnings.map(formatProblem)).review;
    }
    telemetry.validationFailed.with(group, version, object.kind, "invalid_resource").value++;
    const message = (parsed.ok ? patches : parsed.problems).map(formatProblem).join("; ");
    log.info("resource refused", { message });
    return deny(request, message).review;
  };
}
