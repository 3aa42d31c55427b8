import { cidr, hostName } from "../istio/hosts.ts";
import { createProblemSink, type Parsed, parsed } from "../problem.ts";
import { list, map, message } from "../schema/compound.ts";
import { port, string } from "../schema/scalar.ts";
import { type Infer, required } from "../schema/schema.ts";
import { parseYaml } from "./yaml.ts";

/** Where endpoints are that can't reach each other, and the gateways between them. Source: istio/api mesh/v1alpha1/network.proto. */
export const meshNetworks = message("MeshNetworks", {
  networks: map(
    message("Network", {
      endpoints: list(
        message(
          "NetworkEndpoints",
          { fromCidr: cidr, fromRegistry: string() },
          { exactlyOne: [["fromCidr", "fromRegistry"]] },
        ),
      ),
      gateways: list(
        message(
          "IstioNetworkGateway",
          { registryServiceName: hostName, address: string(), port: required(port()), locality: string() },
          { exactlyOne: [["registryServiceName", "address"]] },
        ),
      ),
    }),
  ),
});

export type MeshNetworks = Infer<typeof meshNetworks>;

/**
 * Reads MeshNetworks from the text of the ConfigMap (YAML or JSON; empty text means none).
 * @param source Where the text comes from, for problems.
 */
export function parseMeshNetworks(
  text: string,
  source = "ConfigMap istio-system/istio, key meshNetworks",
): Parsed<MeshNetworks> {
  const sink = createProblemSink(source);
  const value = parseYaml(text, sink);
  const read = sink.failed ? undefined : meshNetworks.read(value ?? {}, "", sink);
  const ranges = new Map<string, string>();
  for (const [name, { endpoints }] of Object.entries(read?.networks ?? {})) {
    for (const [index, { fromCidr, fromRegistry }] of endpoints.entries()) {
      const what = fromCidr ?? fromRegistry ?? "";
      const holder = ranges.get(what);
      if (holder !== undefined && holder !== name)
        sink.error(`networks["${name}"].endpoints[${index}]`, `${what} belongs to network ${holder} already`);
      ranges.set(what, name);
    }
  }
  return parsed(sink.failed ? undefined : read, sink);
}
