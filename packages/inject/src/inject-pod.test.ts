import { describe, expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig, type JsonObject } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import { injectPod } from "./inject-pod.ts";
import { applyPatch } from "./json-patch.testing.ts";

export const context = (
  labels: Record<string, string> = { "istio-injection": "enabled" },
  annotations = {},
): InjectContext => ({
  namespace: { name: "emojivoto", labels, annotations },
  mesh: defaultMeshConfig(),
  values: defaultInjectorValues(),
});

const web: JsonObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    generateName: "web-6bf9f47bd5-",
    labels: { app: "web-svc", "pod-template-hash": "6bf9f47bd5" },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-6bf9f47bd5", uid: "u", controller: true },
    ],
  },
  spec: {
    containers: [
      {
        name: "web-svc",
        image: "web:v11",
        ports: [{ name: "http", containerPort: 8080 }],
        readinessProbe: { httpGet: { path: "/ready", port: "http" }, timeoutSeconds: 2 },
        livenessProbe: { exec: { command: ["true"] } },
      },
    ],
  },
};

function injected(pod: JsonObject, under = context()): JsonObject {
  const result = injectPod(pod, under);
  if (result.kind !== "injected") throw new Error(JSON.stringify(result));
  expect(applyPatch(pod, result.patch)).toEqual(result.pod);
  return result.pod;
}

describe("injectPod", () => {
  test("adds the native sidecar and its init container in front, and nothing else is lost", () => {
    const pod = injected(web) as {
      spec: { initContainers: { name: string; restartPolicy?: string }[]; containers: { name: string }[] };
    };
    expect(pod.spec.initContainers.map((c) => [c.name, c.restartPolicy])).toEqual([
      ["istio-init", undefined],
      ["istio-proxy", "Always"],
    ]);
    expect(pod.spec.containers.map((c) => c.name)).toEqual(["web-svc"]);
  });

  test("a namespace's refusal of tap reaches its pods, which may say otherwise", () => {
    const key = "viz.linkerd.io/disable-tap";
    const under = context(undefined, { [key]: "true" });
    const refusal = (pod: JsonObject) => JSON.stringify(pod["metadata"]).match(/disable-tap":"(\w+)"/)?.[1];
    const metadata = web["metadata"] as JsonObject;
    expect(refusal(injected(web))).toBeUndefined();
    expect(refusal(injected(web, under))).toBe("true");
    expect(refusal(injected({ ...web, metadata: { ...metadata, annotations: { [key]: "false" } } }, under))).toBe(
      "false",
    );
  });

  test("rewrites HTTP probes with their named port resolved and leaves exec probes", () => {
    const text = JSON.stringify(injected(web));
    expect(text).toContain('"path":"/app-health/web-svc/readyz","port":15020');
    expect(text).toContain(
      '{\\"/app-health/web-svc/readyz\\":{\\"httpGet\\":{\\"path\\":\\"/ready\\",\\"port\\":8080},\\"timeoutSeconds\\":2}}',
    );
    expect(text).toContain('"livenessProbe":{"exec":{"command":["true"]}}');
  });

  test("names workload and owner from the ReplicaSet", () => {
    const text = JSON.stringify(injected(web));
    expect(text).toContain('{"name":"ISTIO_META_WORKLOAD_NAME","value":"web"}');
    expect(text).toContain("kubernetes://apis/apps/v1/namespaces/emojivoto/deployments/web");
    expect(text).toContain('"service.istio.io/canonical-name":"web-svc"');
  });

  test("is idempotent", () => {
    const again = injectPod(injected(web), context());
    expect(again).toMatchObject({ kind: "skipped", reason: { code: "already-injected" } });
  });

  test("annotations of both dialects change the sidecar", () => {
    const annotated: JsonObject = {
      ...web,
      metadata: {
        annotations: {
          "config.linkerd.io/skip-outbound-ports": "25,4567-4568",
          "config.linkerd.io/proxy-cpu-request": "77m",
          "traffic.sidecar.istio.io/excludeOutboundIPRanges": "10.1.0.0/16",
          "traffic.sidecar.istio.io/excludeInterfaces": "eth1",
          "istio.io/reroute-virtual-interfaces": "tap0",
          "heddle.io/data-plane": "envoy",
          "sidecar.istio.io/nativeSidecar": "false",
          "proxy.istio.io/config":
            "holdApplicationUntilProxyStarts: true\nproxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}",
        },
      },
    };
    const pod = injected(annotated) as { spec: { containers: { name: string; image: string; lifecycle?: unknown }[] } };
    const text = JSON.stringify(pod);
    expect(pod.spec.containers.map((c) => c.name)).toEqual(["istio-proxy", "web-svc"]);
    expect(pod.spec.containers[0]?.image).toBe("heddle/heddle-envoy:latest");
    expect(pod.spec.containers[0]?.lifecycle).toBeDefined();
    expect(text).toContain('"-o","25,4567-4568"');
    expect(text).toContain('"-x","10.1.0.0/16"');
    expect(text).toContain('"-c","eth1","-k","tap0"');
    expect(text.match(/"name":"ISTIO_META_DNS_CAPTURE"/g)).toHaveLength(2);
    expect(text).toContain('"cpu":"77m"');
    expect(text).toContain('{"name":"ISTIO_META_DNS_CAPTURE","value":"true"}');
  });

  test("a wrong annotation is refused with its key and the next step", () => {
    const result = injectPod(
      {
        ...web,
        metadata: { name: "web", annotations: { "traffic.sidecar.istio.io/excludeOutboundPorts": "80,ninety" } },
      },
      context(),
    );
    expect(result).toMatchObject({ kind: "refused" });
    expect(JSON.stringify(result)).toContain("ninety");
    expect(JSON.stringify(result)).toContain("excludeOutboundPorts");
  });

  test("merges Prometheus annotations", () => {
    const scraped = {
      ...web,
      metadata: { annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "8801" } },
    };
    const text = JSON.stringify(injected(scraped));
    expect(text).toContain('"prometheus.io/port":"15020"');
    expect(text).toContain('{\\"scrape\\":\\"true\\",\\"path\\":\\"/metrics\\",\\"port\\":\\"8801\\"}');
  });

  test("a user's istio-proxy container adjusts the injected one", () => {
    const custom: JsonObject = {
      ...web,
      spec: {
        containers: [
          { name: "web-svc", image: "web:v11" },
          {
            name: "istio-proxy",
            image: "auto",
            env: [
              { name: "EXTRA", value: "1" },
              { name: "TRUST_DOMAIN", value: "other" },
            ],
          },
        ],
      },
    };
    const pod = injected(custom) as {
      spec: {
        initContainers: { name: string; image: string; env?: { name: string; value?: string }[] }[];
        containers: unknown[];
      };
    };
    const proxy = pod.spec.initContainers.find((c) => c.name === "istio-proxy");
    expect(pod.spec.containers).toHaveLength(1);
    expect(proxy?.image).toBe("heddle/heddle:latest");
    expect(proxy?.env?.filter((e) => e.name === "TRUST_DOMAIN" || e.name === "EXTRA").map((e) => e.value)).toEqual([
      "other",
      "1",
    ]);
  });
});
