import type { KubeObject } from "@heddle/config";
import type { Source, SourceSink } from "../source.ts";

/** The registry `Mock` of Istio: services `hello` and `world` with one endpoint each, for trying the control plane without a cluster. */
export function mockObjects(): readonly KubeObject[] {
  return ["hello", "world"].flatMap((name, i) => serviceOf(name, `10.1.0.${i + 1}`, `10.2.0.${i + 1}`));
}

function serviceOf(name: string, clusterIp: string, podIp: string): readonly KubeObject[] {
  const namespace = "default";
  const labels = { app: name, version: "v1" };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, labels: { app: name } },
      spec: {
        clusterIP: clusterIp,
        clusterIPs: [clusterIp],
        selector: { app: name },
        ports: [
          { name: "http", port: 80, targetPort: 80, protocol: "TCP" },
          { name: "tcp", port: 90, targetPort: 90, protocol: "TCP" },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `${name}-1`, namespace, labels },
      spec: { serviceAccountName: "default", nodeName: "mock", containers: [{ name: "app" }] },
      status: { phase: "Running", podIP: podIp, podIPs: [{ ip: podIp }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [
        { addresses: [podIp], conditions: { ready: true }, targetRef: { kind: "Pod", name: `${name}-1`, namespace } },
      ],
      ports: [
        { name: "http", port: 80, protocol: "TCP" },
        { name: "tcp", port: 90, protocol: "TCP" },
      ],
    },
  ];
}

class MockSource implements Source {
  readonly name = "mock";
  #started = false;

  start(sink: SourceSink): void {
    if (this.#started) return;
    this.#started = true;
    for (const object of mockObjects()) sink.onEvent({ kind: "upsert", object });
    sink.onSynced();
  }

  close(): void {
    this.#started = true;
  }
}

export function createMockSource(): Source {
  return new MockSource();
}
