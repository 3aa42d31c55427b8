import type { MeshConfig, StringMap, Telemetry } from "@heddle/config";
import type { MeshState } from "./state.ts";
import { meant, telemetryLevels, type WorkloadMode } from "./telemetry-levels.ts";

type AccessLogging = Telemetry["spec"]["accessLogging"][number];

/** MeshConfig with the access log that Telemetry resources choose for a workload in one direction. */
export function meshWithAccessLog(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): MeshConfig {
  const { mesh } = state.settings;
  const chosen = accessLogging(state, namespace, labels, mode);
  if (chosen === undefined) {
    const [provider] = mesh.defaultProviders?.accessLogging ?? [];
    return provider === undefined ? mesh : withProvider(mesh, provider);
  }
  if (chosen.disabled === true) return { ...mesh, accessLogFile: "" };
  const provider = chosen.providers[0]?.name ?? mesh.defaultProviders?.accessLogging[0] ?? "envoy";
  return withProvider(mesh, provider);
}

/** The workload's own Telemetry wins over its namespace's, that over the root namespace's; of two the older one counts. */
function accessLogging(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): AccessLogging | undefined {
  const wanted = (entry: AccessLogging): boolean => meant(mode, entry);
  for (const level of telemetryLevels(state, namespace, labels)) {
    const found = level.flatMap(({ spec }) => spec.accessLogging).find(wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `envoy` is built in: Istio's text format on standard output. A provider without a file changes nothing. */
function withProvider(mesh: MeshConfig, name: string): MeshConfig {
  const file = mesh.extensionProviders.find((provider) => provider.name === name)?.envoyFileAccessLog;
  if (file === undefined) {
    const path = mesh.accessLogFile === "" ? "/dev/stdout" : mesh.accessLogFile;
    return name === "envoy" ? { ...mesh, accessLogFile: path } : mesh;
  }
  const { text, labels } = file.logFormat ?? {};
  return {
    ...mesh,
    accessLogFile: file.path,
    accessLogEncoding: labels === undefined ? "TEXT" : "JSON",
    accessLogFormat: labels === undefined ? (text ?? "") : JSON.stringify(labels),
  };
}
