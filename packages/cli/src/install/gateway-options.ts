import { UsageError } from "../context.ts";

type Values = Readonly<Record<string, unknown>>;

/** A gateway of the mesh's own namespace. */
export interface GatewayOptions {
  readonly name: string;
  readonly serviceType: "LoadBalancer" | "ClusterIP" | "NodePort";
  readonly ports: readonly GatewayServicePort[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly replicas: number;
}

export interface GatewayServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number;
  readonly nodePort?: number;
}

export const INGRESS = "istio-ingressgateway";
export const EGRESS = "istio-egressgateway";

/** Mesh mTLS from other clusters, passed on unread. */
export const CROSS_NETWORK_PORT = 15443;

const WEB: readonly GatewayServicePort[] = [
  { name: "http2", port: 80, targetPort: 8080 },
  { name: "https", port: 443, targetPort: 8443 },
];
const STATUS: GatewayServicePort = { name: "status-port", port: 15021, targetPort: 15021 };
const CROSS_NETWORK: GatewayServicePort = {
  name: "tls",
  port: CROSS_NETWORK_PORT,
  targetPort: CROSS_NETWORK_PORT,
};

/** As Istio installs it. */
export function defaultGateway(name: string): GatewayOptions {
  const egress = name === EGRESS;
  return {
    name,
    serviceType: egress ? "ClusterIP" : "LoadBalancer",
    ports: egress ? [...WEB, CROSS_NETWORK] : [STATUS, ...WEB, CROSS_NETWORK],
    env: {},
    labels: { app: name, istio: name.replace(/^istio-/, "") },
    replicas: 1,
  };
}

/** Gateways that a profile has. Source: Istio's profiles. */
const OF_PROFILE: Readonly<Record<string, readonly string[]>> = { default: [INGRESS], demo: [INGRESS, EGRESS] };

/** The port that the TCP tasks use. Source: Istio's demo profile. */
function withTcp(gateway: GatewayOptions): GatewayOptions {
  return { ...gateway, ports: [...gateway.ports, { name: "tcp", port: 31400, targetPort: 31400 }] };
}

/**
 * The gateways that components (`ingressGateways`, `egressGateways`; in the form of IstioControlPlane `gateways.components`) and values
 * (`gateways.<name>`) ask for, beside those of the profile. Errors: UsageError naming the field.
 */
export function gatewayOptions(profile: string | undefined, spec: Values, values: Values): readonly GatewayOptions[] {
  const found = new Map<string, GatewayOptions>();
  for (const name of (profile === undefined ? undefined : OF_PROFILE[profile]) ?? [])
    found.set(name, profile === "demo" && name === INGRESS ? withTcp(defaultGateway(name)) : defaultGateway(name));
  const components = mapOf(spec["components"], "components");
  const old = mapOf(mapOf(spec["gateways"], "gateways")["components"], "gateways.components");
  const entries = [
    ...componentEntries(components["ingressGateways"], INGRESS, "components.ingressGateways"),
    ...componentEntries(components["egressGateways"], EGRESS, "components.egressGateways"),
    ...oldEntry(old["ingressGateway"], INGRESS, "gateways.components.ingressGateway"),
    ...oldEntry(old["egressGateway"], EGRESS, "gateways.components.egressGateway"),
  ];
  for (const { name, path, value } of entries) {
    const enabled = value["enabled"] ?? true;
    if (enabled === false) found.delete(name);
    else if (enabled === true) found.set(name, withComponent(found.get(name) ?? defaultGateway(name), value, path));
    else throw new UsageError(`${path}.enabled: expected true or false`);
  }
  for (const [name, value] of Object.entries(mapOf(values["gateways"], "values.gateways"))) {
    const gateway = found.get(name);
    const own = mapOf(value, `values.gateways.${name}`);
    if (own["enabled"] === false) found.delete(name);
    else if (gateway !== undefined || own["enabled"] === true)
      found.set(name, withValues(gateway ?? defaultGateway(name), own, `values.gateways.${name}`));
  }
  return [...found.values()];
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly value: Values;
}

function componentEntries(list: unknown, defaultName: string, path: string): readonly Entry[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new UsageError(`${path}: expected a list of gateways`);
  return list.map((entry: unknown, i) => {
    const value = mapOf(entry, `${path}[${i}]`);
    const name = value["name"] ?? defaultName;
    if (typeof name !== "string" || !/^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/.test(name))
      throw new UsageError(`${path}[${i}].name: "${name}" is no name of a Deployment`);
    return { name, path: `${path}[${i}]`, value };
  });
}

function oldEntry(value: unknown, name: string, path: string): readonly Entry[] {
  return value === undefined ? [] : [{ name, path, value: mapOf(value, path) }];
}

function withComponent(gateway: GatewayOptions, value: Values, path: string): GatewayOptions {
  const k8s = mapOf(value["k8s"], `${path}.k8s`);
  const service = mapOf(k8s["service"], `${path}.k8s.service`);
  const env = Array.isArray(k8s["env"]) ? k8s["env"] : [];
  const pairs = env.map((one: unknown, i): [string, string] => {
    const { name, value: text } = mapOf(one, `${path}.k8s.env[${i}]`);
    if (typeof name !== "string") throw new UsageError(`${path}.k8s.env[${i}].name: is required`);
    return [name, String(text ?? "")];
  });
  return {
    ...gateway,
    serviceType: serviceType(service["type"], gateway.serviceType, `${path}.k8s.service.type`),
    ports: servicePorts(service["ports"], gateway.ports, `${path}.k8s.service.ports`),
    env: { ...gateway.env, ...Object.fromEntries(pairs) },
    labels: { ...gateway.labels, ...texts(value["label"], `${path}.label`) },
    replicas: typeof k8s["replicaCount"] === "number" ? k8s["replicaCount"] : gateway.replicas,
  };
}

function withValues(gateway: GatewayOptions, value: Values, path: string): GatewayOptions {
  return {
    ...gateway,
    serviceType: serviceType(value["type"], gateway.serviceType, `${path}.type`),
    ports: servicePorts(value["ports"], gateway.ports, `${path}.ports`),
    env: { ...gateway.env, ...texts(value["env"], `${path}.env`) },
    labels: { ...gateway.labels, ...texts(value["labels"], `${path}.labels`) },
    replicas: typeof value["replicaCount"] === "number" ? value["replicaCount"] : gateway.replicas,
  };
}

function serviceType(value: unknown, old: GatewayOptions["serviceType"], path: string): GatewayOptions["serviceType"] {
  if (value === undefined) return old;
  if (value === "LoadBalancer" || value === "ClusterIP" || value === "NodePort") return value;
  throw new UsageError(`${path}: "${value}" is none of LoadBalancer, ClusterIP, NodePort`);
}

function servicePorts(list: unknown, old: readonly GatewayServicePort[], path: string): readonly GatewayServicePort[] {
  if (list === undefined) return old;
  if (!Array.isArray(list)) throw new UsageError(`${path}: expected a list of ports`);
  return list.map((entry: unknown, i) => {
    const { name, port, targetPort, nodePort } = mapOf(entry, `${path}[${i}]`);
    const number = (value: unknown, field: string): number => {
      if (Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536) return Number(value);
      throw new UsageError(`${path}[${i}].${field}: "${value}" is no port (1 to 65535)`);
    };
    const own = number(port, "port");
    return {
      name: typeof name === "string" ? name : `port-${own}`,
      port: own,
      targetPort: targetPort === undefined || targetPort === 0 ? own : number(targetPort, "targetPort"),
      ...(nodePort === undefined ? {} : { nodePort: number(nodePort, "nodePort") }),
    };
  });
}

function texts(value: unknown, path: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(mapOf(value, path)).map(([name, text]) => [name, String(text)]));
}

export function mapOf(value: unknown, path: string): Values {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new UsageError(`${path}: expected a map below it`);
}
