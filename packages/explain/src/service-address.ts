import type { ChosenEndpoint } from "./cluster-walk.ts";
import type { Destination } from "./name-resolution.ts";

/** Where a connection to a service's own address ends: no pod has that address, the node's service proxy passes it on. */
export type ServiceAddress =
  | { readonly kind: "pods"; readonly endpoints: readonly ChosenEndpoint[] }
  | { readonly kind: "nowhere"; readonly reason: string };

/** Undefined when `endpoint` is no address of a service: a pod, or something outside. */
export function behindServiceAddress(destination: Destination, endpoint: ChosenEndpoint): ServiceAddress | undefined {
  const { service, backends } = destination;
  if (service === undefined || endpoint.ip !== destination.ip) return undefined;
  const { ip, port } = endpoint;
  const place = ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
  if (!service.ports.includes(port)) {
    const open =
      service.ports.length === 0 ? "it has no ports" : `its spec.ports have only ${service.ports.join(", ")}`;
    return {
      kind: "nowhere",
      reason: service.proxied
        ? `nothing answers at ${place}: ${service.object} has no port ${port} (${open}), so that kube-proxy passes nothing on; the connection is refused or times out`
        : `nothing answers at ${place}: the mesh made that address up for ${service.object}, which has no port ${port} (${open})`,
    };
  }
  if (!service.proxied) return undefined;
  if (backends.length === 0)
    return {
      kind: "nowhere",
      reason: `${service.object} has no endpoint that is ready for port ${port}; kube-proxy refuses the connection to ${place}: look at the pods behind it`,
    };
  return {
    kind: "pods",
    endpoints: backends.map((one) => ({ ...endpoint, ...one, share: endpoint.share / backends.length })),
  };
}
