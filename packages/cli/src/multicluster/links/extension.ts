import { crdOf, type JsonObject, linkDefinition } from "@heddle/config";
import type { Manifest } from "../../install/manifest.ts";
import { DEFAULT_ACCOUNT, type ExtensionOptions, extensionLabels } from "./extension-options.ts";
import { gatewayManifests } from "./gateway.ts";
import { mirrorManifests } from "./mirror-deployment.ts";
import { remoteAccount } from "./remote-account.ts";

/** Everything of the multicluster extension, in an order in which a plain `kubectl apply` succeeds. */
export function extensionManifests(options: ExtensionOptions): readonly Manifest[] {
  const { namespace } = options;
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: extensionLabels, annotations: { "linkerd.io/inject": "disabled" } },
    },
    crdOf(linkDefinition) as JsonObject & Manifest,
    ...(options.gateway ? gatewayManifests(options) : []),
    ...mirrorManifests(options),
    ...(options.remoteAccess ? remoteAccount(DEFAULT_ACCOUNT, namespace) : []),
  ];
}
