import { type Destination, resolveHost, type VirtualService } from "@heddle/config";

/** A place of a VirtualService that names a destination. */
export interface DestinationUse {
  readonly destination: Destination;
  /** Its full host name. */
  readonly host: string;
  /** Field path of the destination. */
  readonly path: string;
  readonly protocol: "http" | "tls" | "tcp";
}

/** Every destination that a VirtualService names, mirrors included. */
export function destinationsOf({ spec, ref }: VirtualService, domain: string): readonly DestinationUse[] {
  const use = (destination: Destination, path: string, protocol: DestinationUse["protocol"]): DestinationUse => ({
    destination,
    host: resolveHost(destination.host, ref.namespace, domain),
    path,
    protocol,
  });
  return [
    ...spec.http.flatMap((route, i) => [
      ...route.route.map((entry, j) => use(entry.destination, `spec.http[${i}].route[${j}].destination`, "http")),
      ...(route.mirror === undefined ? [] : [use(route.mirror, `spec.http[${i}].mirror`, "http")]),
      ...route.mirrors.map((entry, j) => use(entry.destination, `spec.http[${i}].mirrors[${j}].destination`, "http")),
    ]),
    ...spec.tls.flatMap((route, i) =>
      route.route.map((entry, j) => use(entry.destination, `spec.tls[${i}].route[${j}].destination`, "tls")),
    ),
    ...spec.tcp.flatMap((route, i) =>
      route.route.map((entry, j) => use(entry.destination, `spec.tcp[${i}].route[${j}].destination`, "tcp")),
    ),
  ];
}

/** The full host of a DestinationRule. */
export function ruleHost(
  rule: { readonly spec: { readonly host: string }; readonly ref: { readonly namespace: string } },
  domain: string,
): string {
  return resolveHost(rule.spec.host, rule.ref.namespace, domain);
}
