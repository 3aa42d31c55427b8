import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { asksForSidecar } from "./injection-asked.ts";

/** Until 1.21 Istio sent spans to a Service of this name without being asked to. Source: istio 1.22 upgrade notes. */
const LAST_WITH_TRACING = 21;
/** Until 1.26 sidecars were ordinary containers where nobody asked for more. Source: istio 1.27 upgrade notes, ENABLE_NATIVE_SIDECARS. */
const LAST_WITHOUT_NATIVE_SIDECARS = 26;

/** What behaved otherwise in the release of Istio that the cluster comes from. */
export const upgrade: Analyzer = {
  name: "upgrade.Incompatibility",
  about: "nothing relies on a default that changed since the release that is upgraded from",
  codes: ["IST0168", "IST0169"],
  analyze: (input) => {
    const { fromMinor } = input.options;
    if (fromMinor === undefined) return [];
    return [
      ...(fromMinor <= LAST_WITH_TRACING ? tracing(input) : []),
      ...(fromMinor <= LAST_WITHOUT_NATIVE_SIDECARS ? initContainers(input) : []),
    ];
  },
};

function tracing({ state }: AnalysisInput): readonly Finding[] {
  const { mesh, rootNamespace } = state.settings;
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
}

/** What init containers do with the network can't be seen: before, they ran without a proxy. */
function initContainers(input: AnalysisInput): readonly Finding[] {
  return input.workloads.flatMap((template) => {
    const { ref, annotations, initContainers: names, running } = template;
    const decided = annotations["sidecar.istio.io/nativeSidecar"] !== undefined;
    if (running || decided || names.length === 0 || !asksForSidecar(input, template)) return [];
    return [
      finding(
        "IST0168",
        ref,
        "spec.template.spec.initContainers",
        `The configuration "ENABLE_NATIVE_SIDECARS" changed in release 1.27, but compatibility cannot be automatically detected: the proxy now starts before the init containers (${names.join(", ")}), so that their connections pass through it. Annotate the pod template sidecar.istio.io/nativeSidecar: "false" to keep the old order`,
      ),
    ];
  });
}
