import { isIP } from "node:net";
import { UsageError } from "../context.ts";
import { mapOf } from "./gateway-options.ts";
import { type Manifest, meshLabels } from "./manifest.ts";

type Values = Readonly<Record<string, unknown>>;

/** Profile `remote`: a cluster that another cluster's control plane serves. */
export interface RemoteProfile {
  /** Where that control plane answers at 15012 and 15017: an IP address or a name. */
  readonly address: string;
  /** Path of the injection webhook, which names this cluster and its network. */
  readonly injectionPath: string;
  readonly cluster: string;
  /** "" where the path names none. */
  readonly network: string;
}

const PATH = /^\/inject\/cluster\/([^/]+)(?:\/net\/([^/]+))?\/?$/;
const HOSTNAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/**
 * `values.istiodRemote.injectionPath` and `values.global.remotePilotAddress`; where there is no path, it is made of `clusterName` and `network`.
 * Errors: UsageError naming the value.
 */
export function remoteProfile(values: Values): RemoteProfile {
  const global = mapOf(values["global"], "values.global");
  const remote = mapOf(values["istiodRemote"], "values.istiodRemote");
  const cluster = mapOf(global["multiCluster"], "values.global.multiCluster")["clusterName"];
  const address = global["remotePilotAddress"];
  if (typeof address !== "string" || address === "")
    throw new UsageError(
      "profile remote needs --set values.global.remotePilotAddress=ADDRESS: where the other cluster's control plane answers, such as the address of its istio-eastwestgateway",
    );
  if (isIP(address) === 0 && !HOSTNAME.test(address))
    throw new UsageError(
      `values.global.remotePilotAddress: "${address}" is neither an IP address nor a host name (without port)`,
    );
  if (remote["injectionURL"] !== undefined)
    throw new UsageError(
      "values.istiodRemote.injectionURL: is not taken; the webhook goes through Service istiod, give injectionPath",
    );
  const network = typeof global["network"] === "string" ? global["network"] : "";
  const made =
    typeof cluster === "string" ? `/inject/cluster/${cluster}${network === "" ? "" : `/net/${network}`}` : "";
  const path = remote["injectionPath"] ?? made;
  const match = PATH.exec(String(path));
  if (match === null)
    throw new UsageError(
      path === ""
        ? "profile remote needs --set values.istiodRemote.injectionPath=/inject/cluster/NAME/net/NETWORK, with the name that create-remote-secret gets"
        : `values.istiodRemote.injectionPath: "${path}" is not of the form /inject/cluster/NAME/net/NETWORK`,
    );
  const [, named = "", net = ""] = match;
  if (typeof cluster === "string" && cluster !== named)
    throw new UsageError(
      `values.istiodRemote.injectionPath names cluster ${named}, values.global.multiCluster.clusterName ${cluster}: make the two the same`,
    );
  if (network !== "" && network !== net)
    throw new UsageError(
      `values.istiodRemote.injectionPath names network ${net || "(none)"}, values.global.network ${network}: make the two the same`,
    );
  return { address, injectionPath: match[0].replace(/\/$/, ""), cluster: named, network: net };
}

/** Port of Service `istiod` that the webhook calls. Behind a name nobody translates ports, so it is the gateway's own. */
export function webhookPort(remote: RemoteProfile | undefined): number {
  return remote === undefined || isIP(remote.address) !== 0 ? 443 : 15017;
}

/** Service `istiod` of a cluster without one: the other cluster's. */
export function remoteControlPlane(namespace: string, remote: RemoteProfile): readonly Manifest[] {
  const labels = { ...meshLabels("pilot"), app: "istiod", istio: "pilot" };
  const metadata = { name: "istiod", namespace, labels };
  const ports = [
    { name: "https-dns", port: 15012, targetPort: 15012, protocol: "TCP" },
    { name: "https-webhook", port: webhookPort(remote), targetPort: 15017, protocol: "TCP" },
  ];
  const family = isIP(remote.address);
  if (family === 0)
    return [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata,
        spec: { type: "ExternalName", externalName: remote.address, ports },
      },
    ];
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { ...labels, "kubernetes.io/service-name": "istiod" } },
      addressType: family === 6 ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [remote.address], conditions: { ready: true } }],
      ports: ports.map(({ name, targetPort, protocol }) => ({ name, port: targetPort, protocol })),
    },
  ];
}

/** What the administrator has to say on this side, and on the other one. */
export function remoteNextSteps(namespace: string, { cluster }: RemoteProfile): string {
  return [
    "This cluster has no control plane of its own. For the other cluster's to serve it:",
    `  kubectl annotate namespace ${namespace} topology.istio.io/controlPlaneClusters=PRIMARY   (the other cluster's name; here)`,
    `  istioctl create-remote-secret --name ${cluster} | kubectl --context PRIMARY apply -f -`,
    "",
  ].join("\n");
}
