import type { KubeObject, MeshConfig } from "@heddle/config";
import { applyEvents, emptyMesh, type MeshState, type ProxyNode, readProxyNode } from "@heddle/model";
import { at, recordOf, textOf } from "@heddle/std";
import { recordsOf, textsOf } from "./json.ts";

/** A pod with a proxy of the mesh. */
export interface MeshedPod {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly node: ProxyNode;
  readonly annotations: Readonly<Record<string, string>>;
}

export function meshOf(objects: readonly KubeObject[], mesh: MeshConfig, domain = "cluster.local"): MeshState {
  return applyEvents(
    emptyMesh({ mesh, domain }),
    objects.map((object) => ({ kind: "upsert", object }) as const),
  ).state;
}

const proxies = new Set(["istio-proxy", "linkerd-proxy"]);

/** The proxy in a pod, as it would introduce itself; undefined when it has none, or no address yet. */
export function meshedPod(object: KubeObject, domain = "cluster.local"): MeshedPod | undefined {
  const spec = recordOf(object["spec"]);
  const container = [...recordsOf(spec["initContainers"]), ...recordsOf(spec["containers"])].find((one) =>
    proxies.has(textOf(one["name"])),
  );
  const ip = textOf(at(object["status"], "podIP"));
  // The injector would have put its image in this place.
  if (container?.["image"] === "auto") return undefined;
  if (object.kind !== "Pod" || container === undefined || ip === "") return undefined;
  const { name, namespace = "default" } = object.metadata;
  const kind = textsOf(container["args"]).includes("router") ? "router" : "sidecar";
  const annotations = recordOf(object.metadata["annotations"]);
  const texts = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, textOf(value)]));
  const node = readProxyNode(`${kind}~${ip}~${name}.${namespace}~${namespace}.svc.${domain}`, {
    LABELS: recordOf(object.metadata["labels"]),
    ANNOTATIONS: texts,
    SERVICE_ACCOUNT: textOf(spec["serviceAccountName"]) || "default",
  });
  return node.ok ? { name, namespace, ip, node: node.value, annotations: texts } : undefined;
}
