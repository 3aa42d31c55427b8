import { type ObjectRef, parseProxyConfig, readMeta, refOf, type StringMap } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import { knownAnnotations } from "./known-annotations.ts";

/** Annotations of the mesh are known, stand where they are read, and can be read. */
export const annotations: Analyzer = {
  name: "annotations.K8s",
  about: "annotations under istio.io are known, stand on the right kind of object, and have usable values",
  codes: ["IST0107", "IST0108", "IST0125", "IST0135", "IST0136"],
  analyze: ({ objects, workloads }) => [
    ...objects.flatMap((object) =>
      object.kind === "Pod"
        ? []
        : check(refOf(object), object.kind, "metadata.annotations", readMeta(object.metadata).annotations),
    ),
    ...workloads.flatMap(({ ref, running, annotations: own }) =>
      check(ref, "Pod", running ? "metadata.annotations" : "spec.template.metadata.annotations", own),
    ),
  ],
};

/** Kinds whose annotations are looked at; others belong to other tools. */
const kinds = new Set(["Pod", "Service", "Namespace", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

function check(ref: ObjectRef, kind: string, path: string, all: StringMap): readonly Finding[] {
  return Object.entries(all).flatMap(([name, value]) => {
    const slash = name.indexOf("/");
    if (slash < 0 || !/(^|\.)istio\.io$/.test(name.slice(0, slash))) return [];
    const at = `${path}["${name}"]`;
    const rule = knownAnnotations[name];
    if (rule === undefined)
      return kinds.has(kind)
        ? [finding("IST0108", ref, at, `Unknown annotation: ${name}; it has no effect. Look at its spelling`)]
        : [];
    const found: Finding[] = [];
    // Controllers that made a pod leave their own words on it, which the pod's template already answers for.
    const template = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].includes(kind);
    const fits = rule.on.some((one) => one === "Any" || one === kind);
    if (!fits)
      found.push(
        finding(
          "IST0107",
          ref,
          at,
          `Misplaced annotation: ${name} can only be applied to ${rule.on.filter((one) => one !== "Any").join(", ")}${template && rule.on.includes("Pod") ? "; put it under spec.template.metadata.annotations" : ""}`,
        ),
      );
    if (rule.deprecated !== undefined && fits)
      found.push(finding("IST0135", ref, at, `Annotation ${name} has been deprecated: ${rule.deprecated}`));
    if (name.startsWith("alpha.") && fits)
      found.push(
        finding(
          "IST0136",
          ref,
          at,
          `Annotation ${name} is part of an alpha-phase feature and may be incompletely supported.`,
        ),
      );
    const reason = name === "proxy.istio.io/config" ? configReason(value) : rule.check?.(value);
    if (reason !== undefined)
      found.push(finding("IST0125", ref, at, `Invalid annotation ${name}: "${value.slice(0, 80)}" ${reason}`));
    return found;
  });
}

function configReason(text: string): string | undefined {
  const read = parseProxyConfig(text, "");
  return read.ok ? undefined : read.problems.map(({ path, reason }) => `${path} ${reason}`.trim()).join("; ");
}
