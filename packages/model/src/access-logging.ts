import { labelsMatch, type MeshConfig, type StringMap, type Telemetry } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import type { MeshState } from "./state.ts";

type LogMode = "CLIENT" | "SERVER";
type AccessLogging = Telemetry["spec"]["accessLogging"][number];

/** MeshConfig with the access log that Telemetry resources choose for a workload in one direction. */
export function meshWithAccessLog(state: MeshState, namespace: string, labels: StringMap, mode: LogMode): MeshConfig {
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
  mode: LogMode,
): AccessLogging | undefined {
  const { rootNamespace } = state.settings;
  const all = [...state.objects.telemetries.values()].sort(byAge);
  const selects = ({ spec }: Telemetry): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
  const levels = [
    all.filter(
      (t) => t.ref.namespace === namespace && selects(t) && labelsMatch(t.spec.selector?.matchLabels ?? {}, labels),
    ),
    all.filter((t) => t.ref.namespace === namespace && !selects(t)),
    all.filter((t) => t.ref.namespace === rootNamespace && !selects(t)),
  ];
  const wanted = (entry: AccessLogging): boolean =>
    (entry.match?.mode ?? "CLIENT_AND_SERVER") === "CLIENT_AND_SERVER" || entry.match?.mode === mode;
  for (const level of levels) {
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
