import { expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig, type JsonObject } from "@heddle/config";
import { injectPod } from "./inject-pod.ts";

const context = {
  namespace: { name: "shop", labels: { "istio-injection": "enabled" }, annotations: {} },
  mesh: defaultMeshConfig(),
  values: defaultInjectorValues(),
};

function inject(app: JsonObject, more: JsonObject = {}) {
  const result = injectPod(
    {
      metadata: { name: "p", annotations: { "inject.istio.io/templates": "grpc-agent" } },
      spec: { containers: [{ name: "app", image: "x", ...app }], ...more },
    },
    context,
  );
  if (result.kind !== "injected") throw new Error(JSON.stringify(result));
  return result.pod as {
    metadata: { labels?: Record<string, string> };
    spec: Record<
      "initContainers" | "containers",
      { name: string; args: string[]; env: { name: string; value?: string }[]; volumeMounts: object[] }[]
    > & {
      volumes: { name: string }[];
      securityContext: object;
    };
  };
}

test("grpc-agent: the application finds bootstrap and certificates, an agent keeps them, nothing is intercepted", () => {
  const { spec, metadata } = inject({});
  expect(spec.initContainers.map(({ name }) => name)).toEqual(["istio-proxy"]);
  const env = (container: (typeof spec.containers)[number] | undefined) =>
    Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
  expect(env(spec.initContainers[0])).toMatchObject({
    ISTIO_META_GENERATOR: "grpc",
    OUTPUT_CERTS: "/var/lib/istio/data",
  });
  const [app] = spec.containers;
  expect(env(app)).toMatchObject({ GRPC_XDS_BOOTSTRAP: "/etc/istio/proxy/grpc-bootstrap.json" });
  expect(app?.volumeMounts).toEqual([
    { name: "istio-envoy", mountPath: "/etc/istio/proxy", readOnly: true },
    { name: "istio-data", mountPath: "/var/lib/istio/data", readOnly: true },
  ]);
  expect(spec.volumes.map(({ name }) => name)).toContain("istio-data");
  expect(spec.securityContext).toEqual({ fsGroup: 1337 });
  // A sidecar that calls it must not take its plain text for mesh mTLS.
  expect(metadata.labels?.["security.istio.io/tlsMode"]).toBeUndefined();
});

test("what the application says itself stays", () => {
  const { spec } = inject(
    { env: [{ name: "GRPC_XDS_BOOTSTRAP", value: "/mine.json" }] },
    { securityContext: { fsGroup: 2000 } },
  );
  expect(spec.containers[0]?.env.filter(({ name }) => name === "GRPC_XDS_BOOTSTRAP")).toEqual([
    { name: "GRPC_XDS_BOOTSTRAP", value: "/mine.json" },
  ]);
  expect(spec.securityContext).toEqual({ fsGroup: 2000 });
});
