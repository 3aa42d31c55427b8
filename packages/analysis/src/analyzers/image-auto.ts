import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { asksForSidecar } from "./injection-asked.ts";

/** `image: auto` is a place for the injector to fill in. */
export const imageAuto: Analyzer = {
  name: "injection.ImageAuto",
  about: "pods with `image: auto` are injected, so that the image becomes a real one",
  codes: ["IST0146", "IST0147"],
  analyze: (input) =>
    input.workloads.flatMap((pod) => {
      const at = pod.containers.find(({ image }) => image === "auto");
      if (at === undefined || asksForSidecar(input, pod)) return [];
      // Without its namespace the template may still be injected.
      const sure = pod.running || input.namespaceOf(pod.namespace) !== undefined;
      return [
        finding(
          sure ? "IST0147" : "IST0146",
          pod.ref,
          `containers[${at.name}].image`,
          `${pod.ref.kind} ${pod.ref.name} contains \`image: auto\` but does not match any injection selectors, so no such image can be pulled. Label the pod sidecar.istio.io/inject: "true" or its namespace istio-injection=enabled`,
        ),
      ];
    }),
};
