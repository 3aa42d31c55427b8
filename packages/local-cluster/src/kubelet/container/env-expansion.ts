/** Replaces `$(NAME)` by its value; `$$(NAME)` stays as `$(NAME)`, an unknown name stays as written. Source: Kubernetes `expansion.Expand`. */
export function expandVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (whole === "$$") return "$";
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? "") : whole;
  });
}

/** The variables that announce a Service, as Docker links did. Source: kubelet `envvars.FromServices`. */
export function serviceVariables(service: ServiceAddress): Readonly<Record<string, string>> {
  const prefix = service.name.toUpperCase().replace(/-/g, "_");
  const result: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: service.clusterIp };
  const [first] = service.ports;
  if (!first) return result;
  result[`${prefix}_SERVICE_PORT`] = String(first.port);
  for (const { name, port } of service.ports) {
    if (name) result[`${prefix}_SERVICE_PORT_${name.toUpperCase().replace(/-/g, "_")}`] = String(port);
  }
  result[`${prefix}_PORT`] = `${first.protocol.toLowerCase()}://${service.clusterIp}:${first.port}`;
  for (const { port, protocol } of service.ports) {
    const kind = protocol.toLowerCase();
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    result[link] = `${kind}://${service.clusterIp}:${port}`;
    result[`${link}_PROTO`] = kind;
    result[`${link}_PORT`] = String(port);
    result[`${link}_ADDR`] = service.clusterIp;
  }
  return result;
}

export interface ServiceAddress {
  readonly name: string;
  readonly clusterIp: string;
  readonly ports: readonly { readonly name: string | undefined; readonly port: number; readonly protocol: string }[];
}
