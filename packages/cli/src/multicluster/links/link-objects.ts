import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { UsageError } from "../../context.ts";
import type { Manifest } from "../../install/manifest.ts";
import { gatewayAddresses } from "../global-entry.ts";
import { extensionLabels } from "./extension-options.ts";

/** What a Link says about the cluster that it leads to. */
export interface LinkOptions {
  readonly clusterName: string;
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly meshNamespace: string;
  /** A kubeconfig, as text. */
  readonly kubeconfig: string;
  readonly gateway: LinkedGateway | undefined;
  readonly selector: string;
  readonly remoteDiscoverySelector: string;
  readonly federatedServiceSelector: string;
  readonly excludedAnnotations: readonly string[];
  readonly excludedLabels: readonly string[];
}

export interface LinkedGateway {
  readonly address: string;
  readonly port: number;
  readonly identity: string;
  readonly probe: Readonly<Record<"path" | "port" | "period" | "timeout" | "failureThreshold", string>>;
}

/** The Secret and the Link by which another cluster mirrors Services of this one. Errors: UsageError naming the flag. */
export function linkObjects(options: LinkOptions): readonly Manifest[] {
  const { clusterName, namespace, gateway } = options;
  if (!/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/.test(clusterName))
    throw new UsageError(
      `--cluster-name "${clusterName}": mirrors are named svc-${clusterName || "NAME"}, so it may have at most 53 small letters, digits and dashes`,
    );
  const secret = `cluster-credentials-${clusterName}`;
  const labels = extensionLabels;
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "mirror.linkerd.io/remote-kubeconfig",
      metadata: { name: secret, namespace, labels: { ...labels, "multicluster.linkerd.io/cluster-name": clusterName } },
      data: { kubeconfig: Buffer.from(options.kubeconfig).toString("base64") },
    },
    {
      apiVersion: "multicluster.linkerd.io/v1alpha3",
      kind: "Link",
      metadata: { name: clusterName, namespace, labels },
      spec: {
        clusterCredentialsSecret: secret,
        targetClusterName: clusterName,
        targetClusterDomain: options.clusterDomain,
        targetClusterLinkerdNamespace: options.meshNamespace,
        ...(gateway === undefined
          ? {}
          : {
              gatewayAddress: gateway.address,
              gatewayPort: String(gateway.port),
              gatewayIdentity: gateway.identity,
              probeSpec: gateway.probe,
              selector: labelSelector(options.selector, "--selector"),
            }),
        remoteDiscoverySelector: labelSelector(options.remoteDiscoverySelector, "--remote-discovery-selector"),
        federatedServiceSelector: labelSelector(options.federatedServiceSelector, "--federated-service-selector"),
        ...(options.excludedAnnotations.length > 0 ? { excludedAnnotations: options.excludedAnnotations } : {}),
        ...(options.excludedLabels.length > 0 ? { excludedLabels: options.excludedLabels } : {}),
      },
    },
  ];
}

/** What the gateway's Service says of itself. Errors: UsageError with the flag that says it instead. */
export function gatewayOf(
  service: KubeObject,
  given: { readonly addresses: string | undefined; readonly port: number | undefined },
): LinkedGateway {
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  const note = (key: string, otherwise?: string): string => {
    const value = service.metadata.annotations?.[`mirror.linkerd.io/${key}`] ?? otherwise;
    if (value === undefined || value === "")
      throw new UsageError(
        `gateway ${name} has no annotation mirror.linkerd.io/${key}; run multicluster install again`,
      );
    return value;
  };
  const port = (portName: string): string => {
    const found = listOf(at(service, "spec", "ports")).find((one) => textOf(at(one, "name")) === portName);
    if (found === undefined) throw new UsageError(`gateway ${name} has no port named ${portName}`);
    const type = textOf(at(service, "spec", "type"));
    return textOf(type === "NodePort" ? at(found, "nodePort") : at(found, "port"));
  };
  const seconds = (text: string) => (/^\d+$/.test(text) ? `${text}s` : text);
  return {
    address: given.addresses ?? addressesOf(service),
    port: given.port ?? Number(port("mc-gateway")),
    identity: note("gateway-identity"),
    probe: {
      path: note("probe-path", "/ready"),
      port: port("mc-probe"),
      period: seconds(note("probe-period", "3")),
      timeout: seconds(note("probe-timeout", "30s")),
      failureThreshold: note("probe-failure-threshold", "3"),
    },
  };
}

function addressesOf(service: KubeObject): string {
  try {
    return gatewayAddresses(service).join(",");
  } catch {
    throw new UsageError(
      `Gateway ${service.metadata.name}.${service.metadata.namespace} has no ingress addresses; wait for its load balancer or name them with --gateway-addresses`,
    );
  }
}

/** `a=b,c,!d,e!=f` and `a in (b,c)` as a LabelSelector. Errors: UsageError naming the flag. */
export function labelSelector(text: string, flag: string): object {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: object[] = [];
  for (const part of text.split(/,(?![^(]*\))/).map((one) => one.trim())) {
    if (part === "") continue;
    const set = /^([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)$/.exec(part);
    const pair = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(part);
    const presence = /^(!?)([\w./-]+)$/.exec(part);
    if (set?.[1] !== undefined) {
      const values = (set[3] ?? "").split(",").map((value) => value.trim());
      matchExpressions.push({ key: set[1], operator: set[2] === "in" ? "In" : "NotIn", values });
    } else if (pair?.[1] !== undefined && pair[2] === "!=") {
      matchExpressions.push({ key: pair[1], operator: "NotIn", values: [pair[3] ?? ""] });
    } else if (pair?.[1] !== undefined) matchLabels[pair[1]] = pair[3] ?? "";
    else if (presence?.[2] !== undefined)
      matchExpressions.push({ key: presence[2], operator: presence[1] === "!" ? "DoesNotExist" : "Exists" });
    else
      throw new UsageError(`${flag} "${text}": "${part}" is no label query; expected a=b, a!=b, a, !a or a in (b,c)`);
  }
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  };
}
