import { createProblemSink, type Parsed, parsed } from "../problem.ts";
import { list, map, message } from "../schema/compound.ts";
import { defaultsOf } from "../schema/defaults.ts";
import { anyJson, boolean, string } from "../schema/scalar.ts";
import { type Infer, withDefault } from "../schema/schema.ts";
import { parseYaml } from "./yaml.ts";

const open = { open: true } as const;

const quantities = message("ResourceRequirements", { requests: map(string()), limits: map(string()) }, open);

const proxy = message(
  "proxy",
  {
    /** Image of the sidecar and of the init container, with its tag. */
    image: withDefault(string(), "heddle/heddle:latest"),
    /** Image of the sidecar where the data plane is Envoy. */
    envoyImage: withDefault(string(), "heddle/heddle-envoy:latest"),
    clusterDomain: withDefault(string(), "cluster.local"),
    resources: withDefault(quantities, { requests: { cpu: "10m", memory: "40Mi" }, limits: {} }),
    logLevel: withDefault(string(), "warning"),
    includeIPRanges: withDefault(string(), "*"),
    excludeIPRanges: withDefault(string(), ""),
    includeInboundPorts: withDefault(string(), "*"),
    excludeInboundPorts: withDefault(string(), ""),
    includeOutboundPorts: withDefault(string(), ""),
    excludeOutboundPorts: withDefault(string(), ""),
    /** `heddle` or `envoy`: the data plane of pods that do not say. */
    dataPlane: withDefault(string(), "heddle"),
    nativeSidecar: withDefault(boolean(), true),
  },
  open,
);

const global = message(
  "global",
  {
    istioNamespace: withDefault(string(), "istio-system"),
    imagePullPolicy: withDefault(string(), "IfNotPresent"),
    imagePullSecrets: list(string()),
    meshID: withDefault(string(), "cluster.local"),
    network: withDefault(string(), ""),
    /** More search domains of injected pods; `{{ … .DeploymentMeta.Namespace … }}` stands for the pod's namespace. */
    podDNSSearchNamespaces: list(string()),
    caAddress: withDefault(string(), ""),
    multiCluster: withDefault(message("multiCluster", { clusterName: withDefault(string(), "Kubernetes") }, open), {
      clusterName: "Kubernetes",
    }),
    proxy: withDefault(proxy, defaultsOf(proxy)),
  },
  open,
);

const webhook = message(
  "sidecarInjectorWebhook",
  {
    enableNamespacesByDefault: withDefault(boolean(), false),
    rewriteAppHTTPProbe: withDefault(boolean(), true),
    neverInjectSelector: list(
      message("LabelSelector", { matchLabels: map(string()), matchExpressions: list(anyJson()) }),
    ),
    alwaysInjectSelector: list(
      message("LabelSelector", { matchLabels: map(string()), matchExpressions: list(anyJson()) }),
    ),
    injectedAnnotations: map(string()),
  },
  open,
);

/** What injected pods get unless an annotation says otherwise. Other Helm values are left out. */
export const injectorValues = message(
  "values",
  {
    global: withDefault(global, defaultsOf(global)),
    sidecarInjectorWebhook: withDefault(webhook, defaultsOf(webhook)),
    /** Where a CNI plugin redirects, no init container is needed. */
    istio_cni: withDefault(message("istio_cni", { enabled: withDefault(boolean(), false) }, open), { enabled: false }),
    revision: withDefault(string(), ""),
  },
  open,
);

export type InjectorValues = Infer<typeof injectorValues>;

export function defaultInjectorValues(): InjectorValues {
  return defaultsOf(injectorValues);
}

/** Reads the `values` key of ConfigMap `istio-sidecar-injector` (JSON or YAML). */
export function parseInjectorValues(
  text: string,
  source = "ConfigMap istio-system/istio-sidecar-injector, key values",
): Parsed<InjectorValues> {
  const sink = createProblemSink(source);
  const value = parseYaml(text, sink);
  return parsed(sink.failed ? undefined : injectorValues.read(value ?? {}, "", sink), sink);
}
