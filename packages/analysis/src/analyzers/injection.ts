import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { hasSidecar } from "../pod-template.ts";
import { asksForSidecar, injectsByDefault, isSystemNamespace, namespaceInjection } from "./injection-asked.ts";

/** Namespaces with applications say whether they want sidecars, and pods that should have one do. */
export const injection: Analyzer = {
  name: "injection.Analyzer",
  about: "namespaces with pods are labelled for injection, and their pods have a sidecar",
  codes: ["IST0102", "IST0103", "IST0123", "IST0148"],
  analyze: (input) => [...ofNamespaces(input), ...ofPods(input)],
};

function ofNamespaces(input: AnalysisInput): readonly Finding[] {
  const { rootNamespace } = input.state.settings;
  return input.ofKind("", "Namespace").flatMap((object) => {
    const { name } = object.metadata;
    const meta = input.namespaceOf(name);
    if (meta === undefined || isSystemNamespace(name, rootNamespace)) return [];
    const ref = { group: "", kind: "Namespace", namespace: "", name };
    const { labels } = meta;
    const found: Finding[] = [];
    if (labels["istio-injection"] !== undefined && (labels["istio.io/rev"] ?? "") !== "")
      found.push(
        finding(
          "IST0123",
          ref,
          "metadata.labels",
          `The namespace has both istio-injection=${labels["istio-injection"]} and istio.io/rev=${labels["istio.io/rev"]}: istio-injection wins. Remove one: kubectl label namespace ${name} istio.io/rev-`,
        ),
      );
    const ambient = labels["istio.io/dataplane-mode"] === "ambient";
    if (namespaceInjection(meta) !== "unset" || ambient) return found;
    if (injectsByDefault(input))
      found.push(
        finding(
          "IST0148",
          ref,
          "",
          `The namespace is enabled for Istio injection, as Istio is configured to do so (enableNamespacesByDefault). Run 'kubectl label namespace ${name} istio-injection=disabled' to leave it out, or 'kubectl label namespace ${name} istio-injection=enabled' to say so explicitly.`,
        ),
      );
    else
      found.push(
        finding(
          "IST0102",
          ref,
          "",
          `The namespace is not enabled for Istio injection. Run 'kubectl label namespace ${name} istio-injection=enabled' to enable it, or 'kubectl label namespace ${name} istio-injection=disabled' to explicitly mark it as not needing injection.`,
        ),
      );
    return found;
  });
}

function ofPods(input: AnalysisInput): readonly Finding[] {
  return input.workloads.flatMap((pod) => {
    if (!pod.running || hasSidecar(pod) || !asksForSidecar(input, pod)) return [];
    if (isSystemNamespace(pod.namespace, input.state.settings.rootNamespace)) return [];
    return [
      finding(
        "IST0103",
        pod.ref,
        "",
        `The pod ${pod.namespace}/${pod.ref.name} is missing the Istio proxy. This can often be resolved by restarting or redeploying the workload: it was probably created before its namespace was labelled.`,
      ),
    ];
  });
}
