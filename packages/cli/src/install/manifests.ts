import { crds, type JsonObject } from "@heddle/config";
import { discoveryDeployment, discoveryService, disruptionBudget } from "./discovery.ts";
import { defaultGateway, EGRESS, INGRESS } from "./gateway-options.ts";
import { gatewayManifests } from "./gateways.ts";
import type { PluggedAuthority } from "./identity-files.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import { injectorConfigMap, meshConfigMap } from "./mesh-config.ts";
import { meshDnsManifests } from "./mesh-dns.ts";
import { multiclusterManifests } from "./multicluster.ts";
import { namespace, serviceAccount } from "./namespace.ts";
import type { InstallOptions } from "./options.ts";
import { rbac } from "./rbac.ts";
import { READER_ACCOUNT, readerManifests } from "./reader.ts";
import { remoteControlPlane } from "./remote-profile.ts";
import { injectorWebhook, validatorWebhook } from "./webhooks.ts";

/** The custom resource definitions of every dialect. */
export function crdManifests(): readonly Manifest[] {
  return crds().map((crd) => crd as JsonObject & Manifest);
}

/** Everything but the CRDs, in an order in which a plain `kubectl apply` succeeds. */
export function controlPlaneManifests(options: InstallOptions): readonly Manifest[] {
  const gateways = options.gateways.flatMap((gateway) => gatewayManifests(options, gateway));
  if (options.gatewaysOnly) return gateways;
  if (options.remote !== undefined)
    return [
      namespace(options),
      ...readerManifests(options.namespace, READER_ACCOUNT, true),
      meshConfigMap(options),
      injectorConfigMap(options),
      ...remoteControlPlane(options.namespace, options.remote),
      injectorWebhook(options),
      ...gateways,
    ];
  return [
    namespace(options),
    serviceAccount(options),
    ...rbac(options),
    ...readerManifests(options.namespace),
    ...(options.authority ? [authoritySecret(options.namespace, options.authority)] : []),
    meshConfigMap(options),
    injectorConfigMap(options),
    discoveryService(options),
    discoveryDeployment(options),
    ...(options.highAvailability ? [disruptionBudget(options)] : []),
    injectorWebhook(options),
    validatorWebhook(options),
    ...gateways,
    ...(options.meshDns ? meshDnsManifests(options) : []),
    ...(options.globalNames ? multiclusterManifests(options) : []),
  ];
}

function authoritySecret(namespace: string, files: PluggedAuthority): Manifest {
  const data = Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cacerts", namespace, labels: meshLabels("pilot") },
    data: Object.fromEntries(data),
  };
}

/** What `heddle uninstall` prints: the install without its CRDs' instances surviving, children before parents. */
export function uninstallManifests(options: InstallOptions): readonly Manifest[] {
  // An install with other values may have had more.
  const gateways = [INGRESS, EGRESS].filter((name) => !options.gateways.some((gateway) => gateway.name === name));
  const all = {
    ...options,
    gateways: [...options.gateways, ...gateways.map((name) => defaultGateway(name))],
    globalNames: true,
    meshDns: true,
  };
  return [...crdManifests(), ...controlPlaneManifests(all)].reverse();
}
