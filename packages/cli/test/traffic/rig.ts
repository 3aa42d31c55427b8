import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import type { RunningCluster } from "@heddle/local-cluster";
import { at, textOf } from "@heddle/std";
import { parseAllDocuments } from "yaml";
import { waitForPods } from "../../src/demo/wait.ts";
import { installMesh, startTestCluster } from "../test-cluster.ts";
import { type Answer, type Call, callFrom } from "./call.ts";

const NAMESPACE = "traffic";
/** Gateways stand apart from the application, as bystanders of what happens to it. */
const EDGE = "edge";
const READY_MS = 90_000;

/** A mesh with the echo application, from whose pods requests can be sent. */
export interface TrafficRig {
  readonly kube: KubeClient;
  readonly cluster: RunningCluster;
  /** Sends requests from a client's pod, one after the other unless `parallel`. */
  call(client: string, call: Call, times?: number, parallel?: boolean): Promise<readonly Answer[]>;
  /** `http://127.0.0.1:port` that leads to a port of the first pod with this label. */
  reach(label: string, port: number): Promise<string>;
  podsOf(selector: string): Promise<readonly KubeObject[]>;
  /** What the proxy of the first pod with this label wrote. */
  logOf(selector: string): Promise<string>;
  close(): Promise<void>;
}

export function objectsIn(text: string): readonly KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS({ maxAliasCount: 100 }) as KubeObject);
}

/** The application itself answers what the mesh asks about requests: by its `/status/<code>`. */
const meshConfig = {
  extensionProviders: [
    {
      name: "asked",
      envoyExtAuthzHttp: {
        service: `asked.${NAMESPACE}.svc.cluster.local`,
        port: 8000,
        includeAdditionalHeadersInCheck: { "x-asked-by": "mesh" },
        headersToDownstreamOnDeny: ["content-type"],
      },
    },
  ],
};

/** Clients resolve names by the mesh, and have roots in a file where the test brings any. */
const annotations = {
  "proxy.istio.io/config": "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}",
  "sidecar.istio.io/userVolume": JSON.stringify([
    { name: "roots", configMap: { name: "outside-roots", optional: true } },
  ]),
  "sidecar.istio.io/userVolumeMount": JSON.stringify([{ name: "roots", mountPath: "/etc/outside", readOnly: true }]),
};

/** A client with a sidecar of the given data plane. */
function client(name: string, dataPlane: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}, annotations: ${JSON.stringify({ ...annotations, "heddle.io/data-plane": dataPlane })}}
    spec:
      containers:
        - name: caller
          image: debian
          command: [/opt/heddle/bun, /opt/heddle/repo/packages/cli/test/traffic/caller.ts]
          ports: [{name: http, containerPort: 8090}]
          readinessProbe: {tcpSocket: {port: 8090}, periodSeconds: 1}
`;
}

/** An ingress gateway of the given data plane. */
function ingress(dataPlane: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress-${dataPlane}, namespace: ${EDGE}}
spec:
  selector: {matchLabels: {gateway: ${dataPlane}}}
  template:
    metadata:
      labels: {istio: ingressgateway, gateway: ${dataPlane}, sidecar.istio.io/inject: "true"}
      annotations: {inject.istio.io/templates: gateway, heddle.io/data-plane: ${dataPlane}}
    spec:
      serviceAccountName: gateway
      containers: [{name: istio-proxy, image: auto}]
`;
}

/** @param port Each case has its own, so that a feature that a data plane refuses leaves the other cases alone. */
export function service(name: string, port: number): KubeObject {
  const ports = [
    { name: "http", port, targetPort: 8080 },
    { name: "tcp", port: 9000, targetPort: 9000 },
  ];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: { app: "echo" }, ports },
  };
}

/** @param clients Names of the clients and their data planes. @param objects What the cases need. */
export function startTraffic(
  name: string,
  clients: Readonly<Record<string, string>>,
  objects: readonly KubeObject[],
): Promise<TrafficRig> {
  return startTestCluster(name, (cluster, kube) => fill(cluster, kube, clients, objects));
}

async function fill(
  cluster: RunningCluster,
  kube: KubeClient,
  clients: Readonly<Record<string, string>>,
  objects: readonly KubeObject[],
): Promise<TrafficRig> {
  await installMesh(kube, { options: { meshConfig } });
  const mesh = readFileSync(join(import.meta.dir, "mesh.yaml"), "utf8");
  const deployments = Object.entries(clients).flatMap(([client_, plane]) => [
    ...objectsIn(client(client_, plane)),
    ...objectsIn(ingress(plane)),
  ]);
  await kube.applyObjects([...objectsIn(mesh), ...objects, ...deployments]);
  const planes = Object.keys(clients).length;
  await waitForPods(kube, NAMESPACE, 3 + planes, READY_MS, () => undefined);
  await waitForPods(kube, EDGE, planes, READY_MS, () => undefined);
  const podsOf = async (labelSelector: string) =>
    (await kube.list({ apiVersion: "v1", kind: "Pod" }, { labelSelector })).items;
  const forwards = new Map<string, Promise<{ readonly port: number; close(): Promise<void> }>>();
  const reachPod = async (selector: string, port: number) => {
    const key = `${selector}:${port}`;
    const known =
      forwards.get(key) ??
      podsOf(selector).then(([pod]) => cluster.forward(textOf(at(pod, "status", "podIP")), port, 0));
    forwards.set(key, known);
    return `http://127.0.0.1:${(await known).port}`;
  };
  return {
    kube,
    cluster,
    podsOf,
    reach: reachPod,
    async logOf(selector) {
      const [pod] = await podsOf(selector);
      const path = `/api/v1/namespaces/${pod?.metadata.namespace}/pods/${pod?.metadata.name}/log?container=istio-proxy`;
      return (await kube.request("GET", path)).text();
    },
    call: async (from, call, times, parallel) => callFrom(await reachPod(`app=${from}`, 8090), call, times, parallel),
    close: async () => {
      for (const forward of forwards.values()) await (await forward).close();
      await cluster.close();
    },
  };
}
