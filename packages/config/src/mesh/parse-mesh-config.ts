import { createProblemSink, type Parsed, parsed } from "../problem.ts";
import { defaultsOf } from "../schema/defaults.ts";
import { type MeshConfig, meshConfig } from "./mesh-config.ts";
import { type ProxyConfig, proxyConfig } from "./proxy-config.ts";
import { parseYaml } from "./yaml.ts";

/** The settings of a mesh that nobody has configured. */
export function defaultMeshConfig(): MeshConfig {
  return defaultsOf(meshConfig);
}

/**
 * Reads MeshConfig from the text of the ConfigMap (YAML or JSON; empty text means defaults).
 * @param source Where the text comes from, for problems.
 */
export function parseMeshConfig(text: string, source = "ConfigMap istio-system/istio, key mesh"): Parsed<MeshConfig> {
  const sink = createProblemSink(source);
  const value = parseYaml(text, sink);
  return parsed(sink.failed ? undefined : meshConfig.read(value ?? {}, "", sink), sink);
}

/** Reads a ProxyConfig, as annotation `proxy.istio.io/config` or the environment variable PROXY_CONFIG holds it. */
export function parseProxyConfig(text: string, source: string): Parsed<ProxyConfig> {
  const sink = createProblemSink(source);
  const value = parseYaml(text, sink);
  return parsed(sink.failed ? undefined : proxyConfig.read(value ?? {}, "", sink), sink);
}
