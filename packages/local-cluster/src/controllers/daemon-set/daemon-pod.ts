import { at, dict, list } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { podFromTemplate } from "../pod-template.ts";
import { REVISION_LABEL } from "../revision-history.ts";
import { nodeRefusal, tolerated } from "../scheduler/node-match.ts";

/** Taints that a DaemonSet's pods always stand. Source: Kubernetes' `AddOrUpdateDaemonPodTolerations`. */
const TOLERATIONS: readonly Readonly<Record<string, string>>[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const HOST_NETWORK_TOLERATION = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

/** The pod for one node. The scheduler binds it: its node affinity names the node. */
export function daemonPod(set: KubeObject, hash: string, generation: number, node: KubeObject): KubeObject {
  const extraLabels = { [REVISION_LABEL]: hash, "pod-template-generation": String(generation) };
  const pod = podFromTemplate(set, at(set, "spec", "template"), { extraLabels });
  return {
    ...pod,
    spec: { ...tolerant(dict(pod["spec"])), affinity: boundTo(dict(at(pod, "spec", "affinity")), node.metadata.name) },
  };
}

function tolerant(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const more = spec["hostNetwork"] === true ? [...TOLERATIONS, HOST_NETWORK_TOLERATION] : TOLERATIONS;
  const present = list(spec["tolerations"]);
  return {
    ...spec,
    tolerations: [
      ...present,
      ...more.filter(
        (added) =>
          !present.some((item) => dict(item)["key"] === added["key"] && dict(item)["effect"] === added["effect"]),
      ),
    ],
  };
}

/** Replaces what the template asks of nodes (already checked) by the name of one. */
function boundTo(affinity: Readonly<Record<string, unknown>>, node: string): Readonly<Record<string, unknown>> {
  const term = { matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] };
  return {
    ...affinity,
    nodeAffinity: {
      ...dict(affinity["nodeAffinity"]),
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
    },
  };
}

export interface Eligibility {
  readonly shouldRun: boolean;
  /** A pod that is there may stay, although a new one would not be started. */
  readonly mayStay: boolean;
}

/** Whether a node takes a pod of the set. */
export function eligibility(set: KubeObject, node: KubeObject): Eligibility {
  const template = podFromTemplate(set, at(set, "spec", "template"));
  const pod = { ...template, spec: tolerant(dict(template["spec"])) };
  const refused = nodeRefusal(pod, node);
  if (refused === undefined) return { shouldRun: true, mayStay: true };
  const evicting = list(at(node, "spec", "taints")).some((item) => {
    const { key, effect } = dict(item);
    return effect === "NoExecute" && !tolerated(pod, { key: String(key), effect: "NoExecute" });
  });
  return { shouldRun: false, mayStay: refused.startsWith("node(s) had untolerated taint") && !evicting };
}

/** The node that a pod is for: where it runs, or what its affinity names. */
export function nodeOfDaemonPod(pod: KubeObject): string {
  const bound = at(pod, "spec", "nodeName");
  if (typeof bound === "string" && bound !== "") return bound;
  const terms = list(
    at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"),
  );
  const field = dict(list(dict(terms[0])["matchFields"])[0]);
  return String(list(field["values"])[0] ?? "");
}
