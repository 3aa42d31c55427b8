import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Until 1.21 Istio sent spans to a Service of this name without being asked to. Source: istio 1.22 upgrade notes. */
const LAST_WITH_TRACING = 21;

/** What behaved otherwise in the release of Istio that the cluster comes from. */
export const upgrade: Analyzer = {
  name: "upgrade.Incompatibility",
  about: "nothing relies on a default that changed since the release that is upgraded from",
  codes: ["IST0169"],
  analyze: ({ options, state }) => {
    const { mesh, rootNamespace } = state.settings;
    if (options.fromMinor === undefined || options.fromMinor > LAST_WITH_TRACING) return [];
    const asked = mesh.defaultConfig.tracing !== undefined || mesh.defaultProviders?.tracing !== undefined;
    if (asked || !state.objects.services.has(`${rootNamespace}/zipkin`)) return [];
    return [
      finding(
        "IST0169",
        { group: "", kind: "Service", namespace: rootNamespace, name: "zipkin" },
        "",
        `The configuration "meshConfig.defaultConfig.tracer" changed in release 1.22: spans are no longer sent to zipkin.${rootNamespace}.svc by default. Set meshConfig.defaultConfig.tracing.zipkin.address, or an extensionProvider and a Telemetry, to keep it`,
      ),
    ];
  },
};
