import { createKubeClient, type KubeClient } from "@heddle/kube-client";

// A program of its own: the types of a browser, which the other files here need, and those of this client exclude each other.

const NAMESPACE = "emojivoto";

/** Resources that the pages are to explain: a policy in force, a route to a host that is not there, every request traced. */
async function applyExamples(kube: KubeClient): Promise<void> {
  const mesh = { group: "", version: "v1", resource: "configmaps", namespace: "istio-system", name: "istio" };
  const settings = (await kube.get(mesh))["data"];
  const text = typeof settings === "object" && settings !== null && "mesh" in settings ? String(settings.mesh) : "";
  const provider = "- name: viz\n  zipkin:\n    service: zipkin.linkerd-viz.svc.cluster.local\n    port: 9411\n";
  await kube.patch(mesh, { data: { mesh: `${text.trimEnd()}\nextensionProviders:\n${provider}` } });
  await kube.applyObjects([
    {
      apiVersion: "telemetry.istio.io/v1",
      kind: "Telemetry",
      metadata: { name: "traces", namespace: "istio-system" },
      spec: { tracing: [{ providers: [{ name: "viz" }], randomSamplingPercentage: 100 }] },
    },
    {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "voting-callers", namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: "voting-svc" } },
        rules: [{ from: [{ source: { principals: ["cluster.local/ns/emojivoto/sa/web"] } }] }],
      },
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "lost", namespace: NAMESPACE },
      spec: { hosts: ["lost.example"], http: [{ route: [{ destination: { host: "nobody-there" } }] }] },
    },
    briefPod,
  ]);
}

const BRIEF = { name: "brief", namespace: NAMESPACE };
const BRIEF_LABELS = { app: "brief" };

/** A proxy with a certificate of half an hour. */
const briefPod = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: BRIEF,
  spec: {
    replicas: 1,
    selector: { matchLabels: BRIEF_LABELS },
    template: {
      metadata: {
        labels: { ...BRIEF_LABELS, "sidecar.istio.io/inject": "true" },
        annotations: { "proxy.istio.io/config": '{"proxyMetadata":{"SECRET_TTL":"30m"}}' },
      },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "sleep", image: "curlimages/curl", command: ["/bin/sleep", "infinity"] }],
      },
    },
  },
};

/** Gives that proxy a filter that nobody has, which it refuses. */
async function breakBrief(kube: KubeClient): Promise<void> {
  const unknown = {
    "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
    type_url: "type.googleapis.com/nobody.Knows",
    value: {},
  };
  const match = {
    context: "SIDECAR_OUTBOUND",
    listener: { filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } } },
  };
  const patch = { operation: "INSERT_FIRST", value: { name: "nobody.knows", typed_config: unknown } };
  await kube.applyObjects([
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: BRIEF,
      spec: {
        workloadSelector: { labels: BRIEF_LABELS },
        priority: 1,
        configPatches: [{ applyTo: "HTTP_FILTER", match, patch }],
      },
    },
  ]);
}

async function scale(kube: KubeClient, namespace: string, name: string, replicas: number): Promise<void> {
  await kube.patch({ group: "apps", version: "v1", resource: "deployments", name, namespace }, { spec: { replicas } });
}

/** Sends a request byte for byte from the bot's pod to web, through both proxies. Gives what came back. */
async function sendFromBot(kube: KubeClient, request: string): Promise<string> {
  const pods = await kube.list(
    { apiVersion: "v1", kind: "Pod", namespace: NAMESPACE },
    { labelSelector: "app=vote-bot" },
  );
  const pod = pods.items[0]?.metadata.name ?? "";
  // The shell's own connection: no client in between makes the bytes harmless.
  const program = `exec 3<>/dev/tcp/web-svc.${NAMESPACE}/80; printf %b "$1" >&3; timeout 3 head -1 <&3`;
  const escaped = request.replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  const session = await kube.exec(NAMESPACE, pod, ["bash", "-c", program, "bash", escaped], { container: "vote-bot" });
  let text = "";
  session.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  session.stderr.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  await session.done;
  return text;
}

const kube = await createKubeClient({ env: process.env });
const [deed, ...words] = process.argv.slice(2);
switch (deed) {
  case "examples":
    await applyExamples(kube);
    break;
  case "break-brief":
    await breakBrief(kube);
    break;
  case "scale":
    await scale(kube, words[0] ?? "", words[1] ?? "", Number(words[2]));
    break;
  case "send":
    process.stdout.write(await sendFromBot(kube, words[0] ?? ""));
    break;
  default:
    throw new Error(`no deed ${deed}; there are examples, break-brief, scale NAMESPACE NAME REPLICAS, send REQUEST`);
}
process.exit(0);
