import { expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig, type JsonObject } from "@heddle/config";
import { injectPod } from "./inject-pod.ts";

test("a gateway pod's own container becomes the router; nothing is intercepted and no mesh mTLS is promised", () => {
  const pod: JsonObject = {
    metadata: {
      name: "gw",
      labels: { istio: "ingressgateway", "sidecar.istio.io/inject": "true" },
      annotations: { "inject.istio.io/templates": "gateway" },
    },
    spec: { containers: [{ name: "istio-proxy", image: "auto", ports: [{ name: "http", containerPort: 8080 }] }] },
  };
  const result = injectPod(pod, {
    namespace: { name: "edge", labels: {}, annotations: {} },
    mesh: defaultMeshConfig(),
    values: defaultInjectorValues(),
  });
  if (result.kind !== "injected") throw new Error(JSON.stringify(result));
  const spec = result.pod["spec"] as { initContainers: unknown[]; containers: { args: string[]; image: string }[] };
  expect(spec.initContainers).toEqual([]);
  expect(spec.containers.length).toBe(1);
  expect(spec.containers[0]?.args.slice(0, 2)).toEqual(["proxy", "router"]);
  expect(spec.containers[0]?.image).not.toBe("auto");
  expect(JSON.stringify(spec.containers[0])).toContain('"containerPort":8080');
  expect(JSON.stringify(result.pod["metadata"])).not.toContain("tlsMode");
});
