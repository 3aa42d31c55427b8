import type { GatewayOptions } from "./gateway-options.ts";
import type { PluggedAuthority } from "./identity-files.ts";
import type { RemoteProfile } from "./remote-profile.ts";

/** What decides the manifests of `heddle install`; every field has the default of `defaultInstallOptions`. */
export interface InstallOptions {
  readonly namespace: string;
  /** Image repository without tag. Default: `heddle/heddle`. */
  readonly image: string;
  readonly version: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  readonly clusterDomain: string;
  readonly clusterId: string;
  readonly meshId: string;
  /** Topology network of this cluster; empty means one flat network. */
  readonly network: string;
  readonly trustDomain: string;
  readonly replicas: number;
  /** High availability: several replicas, anti-affinity, disruption budget, injection fails closed everywhere. */
  readonly highAvailability: boolean;
  readonly logLevel: "debug" | "info" | "warning" | "error";
  /** MeshConfig fields that the user set, merged over the defaults. */
  readonly meshConfig: Readonly<Record<string, unknown>>;
  /** MeshNetworks' `networks`: members and gateways of each, by name. Source: `values.global.meshNetworks`. */
  readonly meshNetworks: Readonly<Record<string, unknown>>;
  /** Values for the injector (`global.proxy.…`), merged over the defaults. */
  readonly injectorValues: Readonly<Record<string, unknown>>;
  /** More environment of the control plane. */
  readonly pilotEnv: Readonly<Record<string, string>>;
  readonly gateways: readonly GatewayOptions[];
  /** Profile `remote`: the control plane is another cluster's. */
  readonly remote: RemoteProfile | undefined;
  /** Profile `empty`: the control plane is there already, or elsewhere. */
  readonly gatewaysOnly: boolean;
  /** Replicated control planes: `.global` names lead through other clusters' gateways. */
  readonly globalNames: boolean;
  /** The mesh's DNS, to which the cluster's DNS forwards `global`. */
  readonly meshDns: boolean;
  /** Becomes Secret `cacerts`; undefined: the control plane makes a self-signed CA unless that Secret is there. */
  readonly authority: PluggedAuthority | undefined;
}

export function defaultInstallOptions(version: string, namespace: string): InstallOptions {
  return {
    namespace,
    image: "heddle/heddle",
    version,
    imagePullPolicy: "IfNotPresent",
    clusterDomain: "cluster.local",
    clusterId: "Kubernetes",
    meshId: "cluster.local",
    network: "",
    trustDomain: "cluster.local",
    replicas: 1,
    highAvailability: false,
    logLevel: "info",
    meshConfig: {},
    meshNetworks: {},
    injectorValues: {},
    pilotEnv: {},
    gateways: [],
    remote: undefined,
    gatewaysOnly: false,
    globalNames: false,
    meshDns: false,
    authority: undefined,
  };
}

/** Namespaces that are never injected: the cluster's own and the mesh's. */
export function protectedNamespaces(options: InstallOptions): readonly string[] {
  return ["kube-system", "kube-public", "kube-node-lease", "local-path-storage", options.namespace, "linkerd-viz"];
}
