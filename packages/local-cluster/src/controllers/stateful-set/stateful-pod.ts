import { at, dict, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { podFromTemplate, stringMap } from "../pod-template.ts";
import { REVISION_LABEL } from "../revision-history.ts";

/** `web-3` of StatefulSet `web` → 3; undefined for other names. */
export function ordinalOf(set: KubeObject, pod: KubeObject): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const { name } = pod.metadata;
  const ending = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(ending) ? Number(ending) : undefined;
}

/** Pod `ordinal` of a set, with its stable name, host name and volumes. */
export function statefulPod(set: KubeObject, template: unknown, revision: string, ordinal: number): KubeObject {
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = {
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
    [REVISION_LABEL]: revision,
  };
  const pod = podFromTemplate(set, template, { name, extraLabels: labels });
  const spec = dict(pod["spec"]);
  const claims = claimTemplates(set);
  const own = new Set(claims.map(({ metadata }) => metadata.name));
  const volumes = [
    ...claims.map(({ metadata }) => ({
      name: metadata.name,
      persistentVolumeClaim: { claimName: `${metadata.name}-${name}` },
    })),
    ...list(spec["volumes"]).filter((volume) => !own.has(text(dict(volume)["name"]))),
  ];
  const service = text(at(set, "spec", "serviceName"));
  return {
    ...pod,
    metadata: { ...pod.metadata, generateName: `${set.metadata.name}-` },
    spec: {
      ...spec,
      hostname: name,
      ...(service !== "" && { subdomain: service }),
      ...(volumes.length > 0 && { volumes }),
    },
  };
}

/** PersistentVolumeClaims of one pod. They outlive it, and the set. */
export function statefulClaims(set: KubeObject, ordinal: number): readonly KubeObject[] {
  return claimTemplates(set).map((template) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: `${template.metadata.name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace ?? "",
      labels: { ...template.metadata.labels, ...stringMap(at(set, "spec", "selector", "matchLabels")) },
      annotations: template.metadata.annotations,
    },
    spec: template.spec,
  }));
}

interface ClaimTemplate {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
}

function claimTemplates(set: KubeObject): readonly ClaimTemplate[] {
  return list(at(set, "spec", "volumeClaimTemplates")).map((item) => {
    const metadata = dict(at(item, "metadata"));
    return {
      metadata: {
        name: text(metadata["name"]),
        labels: stringMap(metadata["labels"]),
        annotations: stringMap(metadata["annotations"]),
      },
      spec: at(item, "spec"),
    };
  });
}
