import type { ExtensionProvider, MeshConfig, StringMap } from "@heddle/config";
import type { MeshState } from "./state.ts";
import { meant, telemetryLevels, type WorkloadMode } from "./telemetry-levels.ts";
import { collectorService } from "./tracing.ts";

/** Conditions under which access logs write, by provider. */
export interface LoggedMesh extends MeshConfig {
  readonly accessLogFilters?: StringMap;
}

/** Built in: Istio's format on standard output, or MeshConfig's `accessLogFile`. */
const BUILT_IN_LOG = "envoy";

/**
 * MeshConfig with the access logs that Telemetry resources choose for a workload in one direction: `defaultProviders.accessLogging` names
 * exactly those, their services by full host name; `accessLogFile` is empty where the built-in one is not among them.
 */
export function meshWithAccessLog(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): LoggedMesh {
  const { mesh } = state.settings;
  const chosen = chosenProviders(state, namespace, labels, mode);
  if (chosen === undefined) return mesh;
  const found = new Map<string, ExtensionProvider>();
  for (const provider of mesh.extensionProviders) {
    const resolved = chosen.has(provider.name) ? resolvedLog(state, provider) : undefined;
    if (resolved !== undefined) found.set(provider.name, resolved);
  }
  const builtIn = chosen.has(BUILT_IN_LOG) && !mesh.extensionProviders.some(({ name }) => name === BUILT_IN_LOG);
  const accessLogFilters = Object.fromEntries(
    [...chosen].flatMap(([name, filter]) => (filter === undefined ? [] : [[name, filter] as const])),
  );
  return {
    ...mesh,
    ...(Object.keys(accessLogFilters).length === 0 ? {} : { accessLogFilters }),
    accessLogFile: builtIn ? mesh.accessLogFile || "/dev/stdout" : "",
    extensionProviders: mesh.extensionProviders.map((provider) => found.get(provider.name) ?? provider),
    defaultProviders: {
      tracing: [],
      metrics: [],
      ...mesh.defaultProviders,
      accessLogging: [...chosen.keys()].filter((name) => found.has(name) || (builtIn && name === BUILT_IN_LOG)),
    },
  };
}

/**
 * The nearest level that names providers says which may log; levels add and disable from the root namespace inward, entries in order. What is
 * given for each is the condition under which it writes. Undefined: nobody says anything, MeshConfig's `accessLogFile` counts. Source: istio pilot/pkg/model/telemetry.go, mergeLogs.
 */
function chosenProviders(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): ReadonlyMap<string, string | undefined> | undefined {
  const defaults = state.settings.mesh.defaultProviders?.accessLogging ?? [];
  // Of two Telemetries of a level the older one counts.
  const levels = telemetryLevels(state, namespace, labels)
    .map((level) =>
      level
        .map(({ spec }) => spec.accessLogging.filter((entry) => meant(mode, entry)))
        .find((entries) => entries.length > 0),
    )
    .filter((entries) => entries !== undefined);
  if (levels.length === 0)
    return defaults.length === 0 ? undefined : new Map(defaults.map((name) => [name, undefined]));
  const namesOf = (entry: (typeof levels)[number][number]) => entry.providers.map(({ name }) => name);
  const fallback = defaults.length === 0 ? [BUILT_IN_LOG] : defaults;
  const nearest = levels.map((entries) => entries.flatMap(namesOf)).find((names) => names.length > 0);
  const inScope = new Set(nearest ?? fallback);
  const chosen = new Map<string, string | undefined>();
  const filters = new Map<string, string | undefined>();
  let inherited: readonly string[] = fallback;
  for (const entry of [...levels].reverse().flat()) {
    const names = namesOf(entry);
    if (names.length > 0) inherited = names;
    for (const name of inherited) {
      // An entry that names the provider anew, without a condition, lifts the one from further out.
      if (entry.filter !== undefined || names.length > 0) filters.set(name, entry.filter?.expression);
      if (!inScope.has(name)) continue;
      if (entry.disabled === true) chosen.delete(name);
      else chosen.set(name, filters.get(name));
    }
  }
  return chosen;
}

/** Undefined: it is no access log, or the service does not exist. */
function resolvedLog(state: MeshState, provider: ExtensionProvider): ExtensionProvider | undefined {
  if (provider.envoyFileAccessLog !== undefined) return provider;
  for (const kind of ["envoyHttpAls", "envoyTcpAls", "envoyOtelAls"] as const) {
    const als = provider[kind];
    const service = als && collectorService(state, als.service, als.port);
    if (service !== undefined) return { ...provider, [kind]: { ...als, service: service.hostname } };
  }
  return undefined;
}
