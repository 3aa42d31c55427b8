import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, type Exposition, parseExposition, textOf } from "@heddle/std";
import { UsageError } from "../../context.ts";
import { renderTable } from "../../output.ts";
import { podGet } from "../../pod-http.ts";
import { LINK_TYPE, MIRROR_PORT, SERVICE_MIRROR } from "./extension-options.ts";

/** A linked cluster's gateway, as the service mirror sees it. */
export interface GatewayState {
  readonly clusterName: string;
  readonly alive: boolean;
  readonly numberOfServices: number;
  /** Units: ms; undefined while it is dead or was never asked. */
  readonly latencyMs: number | undefined;
}

/** Links of all namespaces. Errors: UsageError when the extension is not installed. */
export async function linksOf(kube: KubeClient): Promise<readonly KubeObject[]> {
  return (
    await kube.list(LINK_TYPE).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === 404)
        throw new UsageError(
          "the multicluster extension is not installed here; install by running `linkerd multicluster install | kubectl apply -f -`",
        );
      throw error;
    })
  ).items;
}

export async function gatewayStates(kube: KubeClient): Promise<readonly GatewayState[]> {
  const links = await linksOf(kube);
  const { items: services } = await kube.list(
    { group: "", version: "v1", resource: "services" },
    { labelSelector: "mirror.linkerd.io/mirrored-service=true" },
  );
  const metrics = new Map<string, Exposition>();
  for (const namespace of new Set(links.map(({ metadata }) => metadata.namespace ?? "")))
    metrics.set(namespace, await mirrorMetrics(kube, namespace));
  return links
    .filter((link) => textOf(at(link, "spec", "gatewayAddress")) !== "")
    .map((link) => {
      const clusterName = textOf(at(link, "spec", "targetClusterName"));
      const read = (name: string) =>
        metrics
          .get(link.metadata.namespace ?? "")
          ?.samples.find((one) => one.name === name && one.labels.get("target_cluster_name") === clusterName)?.value;
      const alive = read("gateway_alive") === 1;
      return {
        clusterName,
        alive,
        numberOfServices: services.filter(
          (one) => one.metadata.labels?.["mirror.linkerd.io/cluster-name"] === clusterName,
        ).length,
        latencyMs: alive ? read("gateway_latency") : undefined,
      };
    });
}

async function mirrorMetrics(kube: KubeClient, namespace: string): Promise<Exposition> {
  const { items } = await kube.list(
    { group: "", version: "v1", resource: "pods", namespace },
    { labelSelector: `component=${SERVICE_MIRROR}` },
  );
  const pod = items.find((one) => textOf(at(one, "status", "phase")) === "Running");
  if (pod === undefined)
    throw new UsageError(
      `no service mirror is running in namespace ${namespace}; look at kubectl get pods -n ${namespace}`,
    );
  return parseExposition(await podGet(kube, namespace, pod.metadata.name, MIRROR_PORT, "/metrics"));
}

/** As Linkerd prints it. */
export function gatewaysTable(states: readonly GatewayState[]): string {
  const rows = states.map(({ clusterName, alive, numberOfServices, latencyMs }) => [
    clusterName,
    alive ? "True" : "False",
    String(numberOfServices),
    latencyMs === undefined ? "-" : `${latencyMs}ms`,
  ]);
  return renderTable(["CLUSTER", "ALIVE", "NUM_SVC", "LATENCY"], rows, ["NUM_SVC", "LATENCY"]);
}
