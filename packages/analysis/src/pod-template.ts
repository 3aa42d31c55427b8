import {
  isObject,
  type KubeObject,
  type ObjectRef,
  readMeta,
  readNumber,
  readObjects,
  readString,
  refOf,
  type StringMap,
} from "@heddle/config";

type Fields = { readonly [key: string]: unknown };

/** A container as far as analyzers look at it. */
export interface ContainerView {
  readonly name: string;
  readonly image: string;
  readonly runAsUser: number | undefined;
  readonly ports: readonly { readonly name: string; readonly number: number }[];
}

/** A pod, or the template that a Deployment, StatefulSet or DaemonSet makes its pods from. */
export interface PodTemplate {
  /** The pod, or the object that holds the template. */
  readonly ref: ObjectRef;
  readonly namespace: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly containers: readonly ContainerView[];
  /** Names of those that run before the others, without those that go on beside them. */
  readonly initContainers: readonly string[];
  readonly hostNetwork: boolean;
  readonly runAsUser: number | undefined;
  /** True for pods, false for templates. */
  readonly running: boolean;
}

const holders = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

/** Undefined for objects that make no pods, for pods that have ended, and for ReplicaSets of a Deployment, which speaks for them. */
export function podTemplate(object: KubeObject): PodTemplate | undefined {
  const spec = fields(object["spec"]);
  if (object.kind === "Pod" && object.apiVersion === "v1") {
    const phase = fields(object["status"])["phase"];
    if (phase === "Succeeded" || phase === "Failed") return undefined;
    return read(object, object.metadata, spec, true);
  }
  if (!holders.has(object.kind) || !object.apiVersion.startsWith("apps/")) return undefined;
  if (object.kind === "ReplicaSet" && readMeta(object.metadata).owners.length > 0) return undefined;
  const template = fields(spec["template"]);
  return read(object, template["metadata"], fields(template["spec"]), false);
}

function read(object: KubeObject, metadata: unknown, spec: Fields, running: boolean): PodTemplate {
  const { labels, annotations } = readMeta(metadata);
  const ref = refOf(object);
  return {
    ref,
    namespace: ref.namespace,
    labels,
    annotations,
    containers: [...readObjects(spec["initContainers"]), ...readObjects(spec["containers"])].map(container),
    initContainers: readObjects(spec["initContainers"])
      .filter((one) => one["restartPolicy"] !== "Always")
      .map((one) => readString(one["name"])),
    hostNetwork: spec["hostNetwork"] === true,
    runAsUser: readNumber(fields(spec["securityContext"])["runAsUser"]),
    running,
  };
}

function container(value: Fields): ContainerView {
  return {
    name: readString(value["name"]),
    image: readString(value["image"]),
    runAsUser: readNumber(fields(value["securityContext"])["runAsUser"]),
    ports: readObjects(value["ports"]).map((port) => ({
      name: readString(port["name"]),
      number: readNumber(port["containerPort"]) ?? 0,
    })),
  };
}

/** The members of an object; none for anything else. */
export function fields(value: unknown): Fields {
  return isObject(value) ? value : {};
}

const sidecars = new Set(["istio-proxy", "linkerd-proxy"]);

/** True when the pod has its sidecar already. */
export function hasSidecar(template: PodTemplate): boolean {
  return template.containers.some((one) => sidecars.has(one.name));
}
