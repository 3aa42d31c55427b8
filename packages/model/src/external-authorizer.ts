import type { ExtensionProvider } from "@heddle/config";
import { formatClusterName } from "./cluster-name.ts";
import type { MeshState } from "./state.ts";

type Http = NonNullable<ExtensionProvider["envoyExtAuthzHttp"]>;
type Grpc = NonNullable<ExtensionProvider["envoyExtAuthzGrpc"]>;

/** Who decides about requests that a CUSTOM policy selects; `unusable` says why nobody can, and then they are denied. */
export type ExternalAuthorizer =
  | {
      readonly kind: "http";
      readonly provider: string;
      readonly cluster: string;
      readonly authority: string;
      readonly settings: Http;
    }
  | {
      readonly kind: "grpc";
      readonly provider: string;
      readonly cluster: string;
      readonly authority: string;
      readonly settings: Grpc;
    }
  | { readonly kind: "unusable"; readonly provider: string; readonly reason: string };

/** The extension provider of this name. Source: istio pilot/pkg/security/authz/builder/extauthz.go. */
export function externalAuthorizer({ settings, services }: MeshState, name: string): ExternalAuthorizer {
  const unusable = (reason: string): ExternalAuthorizer => ({ kind: "unusable", provider: name, reason });
  const found = settings.mesh.extensionProviders.find((provider) => provider.name === name);
  if (found === undefined) return unusable(`MeshConfig has no extensionProviders entry ${name}`);
  const { envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = found;
  const service = (http ?? grpc)?.service;
  const port = (http ?? grpc)?.port;
  if (service === undefined || port === undefined)
    return unusable(`extensionProviders entry ${name} is neither envoyExtAuthzHttp nor envoyExtAuthzGrpc`);
  // `namespace/host`: host names are unique here, so the namespace says nothing more.
  const hostname = service.slice(service.indexOf("/") + 1);
  const known = services.get(hostname);
  if (known === undefined) return unusable(`no service is known as ${hostname}`);
  if (!known.ports.some(({ number }) => number === port)) return unusable(`${hostname} has no port ${port}`);
  const cluster = formatClusterName({ direction: "outbound", port, subset: "", hostname });
  if (http !== undefined)
    return { kind: "http", provider: name, cluster, authority: `${hostname}:${port}`, settings: http };
  return grpc === undefined
    ? unusable("")
    : { kind: "grpc", provider: name, cluster, authority: hostname, settings: grpc };
}
