import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Pods with a sidecar of another version than the injector adds now. */
export const injectionImage: Analyzer = {
  name: "injection.ImageMismatch",
  about: "sidecars run the image that the injector adds",
  codes: ["IST0158"],
  analyze: (input) => {
    const proxy = input.options.injector?.global.proxy;
    if (proxy === undefined) return [];
    const byNamespace = new Map<string, { readonly name: string; readonly image: string; readonly wanted: string }[]>();
    for (const pod of input.workloads) {
      const image = pod.containers.find(({ name }) => name === "istio-proxy")?.image;
      const dataPlane = pod.annotations["heddle.io/data-plane"] ?? proxy.dataPlane;
      const wanted = dataPlane === "envoy" ? proxy.envoyImage : proxy.image;
      // A bare word is Istio's short form: hub and tag are the injector's.
      if (!pod.running || image === undefined || !wanted.includes("/") || image === wanted) continue;
      if (pod.annotations["sidecar.istio.io/proxyImage"] !== undefined) continue;
      const known = byNamespace.get(pod.namespace) ?? [];
      byNamespace.set(pod.namespace, [...known, { name: pod.ref.name, image, wanted }]);
    }
    return [...byNamespace].map(([name, pods]) =>
      finding(
        "IST0158",
        { group: "", kind: "Namespace", namespace: "", name },
        "",
        `The Istio proxy images of the pods running in the namespace do not match the image defined in the injection configuration (pod names: ${pods.map((pod) => pod.name).join(", ")}; they run ${pods[0]?.image}, the injector adds ${pods[0]?.wanted}). This often happens after upgrading the control plane and can be fixed by redeploying the pods.`,
      ),
    );
  },
};
