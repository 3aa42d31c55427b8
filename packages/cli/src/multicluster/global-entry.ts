import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";
import { CROSS_NETWORK_PORT } from "../install/gateway-options.ts";

const PROTOCOLS = ["http", "http2", "grpc", "grpc-web", "https", "tls", "tcp", "mongo", "mysql", "redis"];

/** Addresses of a gateway's Service, as other clusters reach it. Errors: UsageError when it has none. */
export function gatewayAddresses(service: KubeObject): readonly string[] {
  const ingress = listOf(at(service, "status", "loadBalancer", "ingress"));
  const found = ingress
    .map((one) => textOf(at(one, "ip")) || textOf(at(one, "hostname")))
    .filter((text) => text !== "");
  if (found.length > 0) return found;
  const name = `${service.metadata.namespace}/${service.metadata.name}`;
  throw new UsageError(
    `Service ${name} has no external address yet (type ${textOf(at(service, "spec", "type")) || "ClusterIP"}); name one with --gateway ADDRESS`,
  );
}

/**
 * The ServiceEntry by which another cluster calls a Service of this one as `name.namespace.global`. Pure.
 * Errors: UsageError for a Service that the mesh can't carry.
 */
export function globalEntry(service: KubeObject, gateways: readonly string[]) {
  const { name, namespace = "default" } = service.metadata;
  if (textOf(at(service, "spec", "type")) === "ExternalName")
    throw new UsageError(`Service ${namespace}/${name} is an ExternalName: its target is outside, call that instead`);
  const ports = listOf(at(service, "spec", "ports"))
    .filter((port) => (textOf(at(port, "protocol")) || "TCP") === "TCP")
    .map((port) => {
      const number = Number(at(port, "port"));
      const portName = textOf(at(port, "name")) || `tcp-${number}`;
      const said = (textOf(at(port, "appProtocol")) || portName.split("-")[0] || "").toLowerCase();
      const whole = portName.toLowerCase().startsWith("grpc-web") ? "grpc-web" : said;
      return { name: portName, number, ...(PROTOCOLS.includes(whole) ? { protocol: whole.toUpperCase() } : {}) };
    });
  if (ports.length === 0)
    throw new UsageError(`Service ${namespace}/${name} has no TCP port; the mesh carries no other`);
  const through = Object.fromEntries(ports.map((port) => [port.name, CROSS_NETWORK_PORT]));
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "ServiceEntry",
    metadata: { name: `${name}-${namespace}` },
    spec: {
      hosts: [`${name}.${namespace}.global`],
      location: "MESH_INTERNAL",
      ports,
      resolution: "DNS",
      endpoints: gateways.map((address) => ({ address, ports: through })),
    },
  };
}
