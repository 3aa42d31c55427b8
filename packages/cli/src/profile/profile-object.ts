import type { ProfileRoute } from "@heddle/config";

/** A route as it is written into a ServiceProfile. */
export interface WrittenRoute {
  readonly name: string;
  readonly condition: ProfileRoute["condition"];
  readonly responseClasses?: readonly object[];
  readonly isRetryable?: true;
  readonly timeout?: string;
}

/** A ServiceProfile for `kubectl apply`. */
export function profileObject(service: string, namespace: string, domain: string, routes: readonly WrittenRoute[]) {
  return {
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name: `${service}.${namespace}.svc.${domain}`, namespace },
    spec: { routes },
  };
}
