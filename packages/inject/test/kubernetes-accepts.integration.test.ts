import { describe, expect, test } from "bun:test";
import { crds, defaultInjectorValues, defaultMeshConfig, type JsonObject } from "@heddle/config";
import { injectPod } from "../src/index.ts";

/** An API server, real where there is one: `HEDDLE_TEST_KUBECONFIG`; `HEDDLE_KUBECTL` or `kubectl` on PATH talks to it. */
const kubeconfig = process.env["HEDDLE_TEST_KUBECONFIG"];
const kubectl = process.env["HEDDLE_KUBECTL"] ?? Bun.which("kubectl") ?? undefined;
const reason =
  kubeconfig === undefined
    ? `HEDDLE_TEST_KUBECONFIG names no cluster; npm test -- kubernetes-accepts brings one (${process.env["HEDDLE_TEST_NO_KUBERNETES"] ?? "not tried"})`
    : kubectl === undefined
      ? "no kubectl (HEDDLE_KUBECTL)"
      : undefined;
if (reason !== undefined) console.log(`skipped: ${reason}`);

/** What the API server says to creating the object without keeping it; "" when it accepts. */
async function refusal(object: JsonObject): Promise<string> {
  const run = Bun.spawn(
    [
      kubectl ?? "kubectl",
      "--kubeconfig",
      kubeconfig ?? "",
      "create",
      "--dry-run=server",
      "--validate=strict",
      "-f",
      "-",
    ],
    {
      stdin: new Blob([JSON.stringify(object)]),
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [text, code] = await Promise.all([new Response(run.stderr).text(), run.exited]);
  return code === 0 ? "" : text;
}

const container: JsonObject = {
  name: "app",
  image: "app:1",
  ports: [{ name: "http", containerPort: 8080 }],
  readinessProbe: { httpGet: { path: "/", port: "http" } },
  livenessProbe: { tcpSocket: { port: 8080 } },
  startupProbe: { grpc: { port: 9090 } },
};

const pods: readonly (readonly [string, JsonObject, JsonObject])[] = [
  ["plain", {}, { containers: [container] }],
  [
    "classic sidecar, held application",
    { "sidecar.istio.io/nativeSidecar": "false", "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true" },
    { containers: [container] },
  ],
  [
    "Envoy, resources, TPROXY",
    {
      "heddle.io/data-plane": "envoy",
      "sidecar.istio.io/proxyCPULimit": "2",
      "sidecar.istio.io/interceptionMode": "TPROXY",
    },
    { containers: [container] },
  ],
  [
    "with init containers and volumes",
    {},
    {
      containers: [container],
      initContainers: [{ name: "i", image: "i:1" }],
      volumes: [{ name: "v", emptyDir: {} }],
      securityContext: { runAsUser: 5, fsGroup: 7 },
    },
  ],
  ["a Job's pod", {}, { containers: [{ name: "app", image: "a:1" }], restartPolicy: "Never" }],
  [
    "user volumes",
    {
      "sidecar.istio.io/userVolume": '{"x":{"emptyDir":{}}}',
      "sidecar.istio.io/userVolumeMount": '{"x":{"mountPath":"/x"}}',
    },
    { containers: [container] },
  ],
];

describe.skipIf(reason !== undefined)("the real API server accepts", () => {
  test.each(pods)(
    "%s",
    async (_name, annotations, spec) => {
      const pod: JsonObject = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "default", annotations },
        spec,
      };
      const context = {
        namespace: { name: "default", labels: { "istio-injection": "enabled" }, annotations: {} },
        mesh: defaultMeshConfig(),
        values: defaultInjectorValues(),
      };
      const result = injectPod(pod, context);
      expect(result.kind).toBe("injected");
      if (result.kind === "injected") expect(await refusal(result.pod)).toBe("");
    },
    20_000,
  );

  test.each(crds().map((crd) => [String((crd["metadata"] as JsonObject)["name"]), crd] as const))(
    "CRD %s",
    async (_name, crd) => {
      expect(await refusal(crd)).toBe("");
    },
    20_000,
  );

  test("…and refuses a broken pod, so that acceptance means something", async () => {
    const pod: JsonObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", namespace: "default" },
      spec: { containers: [{ name: "A B" }] },
    };
    expect(await refusal(pod)).toContain("spec.containers[0]");
  }, 20_000);
});
