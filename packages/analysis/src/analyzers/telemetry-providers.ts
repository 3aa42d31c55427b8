import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

const FEATURES = [
  ["accessLogging", "logged"],
  ["tracing", "traced"],
  ["metrics", "measured"],
] as const;

/** Providers that Telemetry names are in the MeshConfig. */
export const telemetryProviders: Analyzer = {
  name: "telemetry.Provider",
  about: "providers that a Telemetry names are extensionProviders of the mesh",
  codes: ["IST0157"],
  analyze: ({ state }) => {
    // Istio has these without configuration.
    const known = new Set(["envoy", "prometheus", ...state.settings.mesh.extensionProviders.map(({ name }) => name)]);
    return [...state.objects.telemetries.values()].flatMap(({ ref, spec }) =>
      FEATURES.flatMap(([field, nothing]) =>
        spec[field].flatMap((entry, i) =>
          entry.providers.flatMap(({ name }, j) =>
            known.has(name)
              ? []
              : [
                  finding(
                    "IST0157",
                    ref,
                    `spec.${field}[${i}].providers[${j}].name`,
                    `The Telemetry resource refers to provider ${name}, which is not in extensionProviders of the MeshConfig (there: ${[...known].join(", ")}); nothing is ${nothing} by it`,
                  ),
                ],
          ),
        ),
      ),
    );
  },
};
