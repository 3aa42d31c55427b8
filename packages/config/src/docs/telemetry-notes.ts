import { ATTRIBUTES } from "@heddle/expression";

/** What the table of Telemetry's fields cannot say. */
export function telemetryNotes(): string {
  const maps = (name: string, type: string): string => (type === "map" ? `${name}['…']` : name);
  return [
    "**Expressions** (values of tags, conditions of access logs) are the part of CEL that has literals, lists, attributes, `?:`, `&& || !`, comparisons, `in`, arithmetic, `has()`, `size()`, `string()`, `int()`, `double()`, `startsWith`, `endsWith`, `contains` and `matches` (RE2). Others are refused with their place. A value that is not there becomes `unknown`.",
    `Attributes: ${Object.entries(ATTRIBUTES)
      .map(([name, type]) => `\`${maps(name, type)}\``)
      .join(
        ", ",
      )}. Peers may be written as Istio does: \`filter_state.upstream_peer.app\`, \`upstream_peer.labels['app'].value\`; of an upstream peer only what it told of itself or what the control plane says of its endpoint is known; real Envoy does not introduce itself to those it calls, so of a caller on Envoy its namespace only. Conditions of access logs have no peers, no node, no \`string()\` and no \`+\` of strings, because real Envoy has none there.`,
    [
      "| | built-in proxy | real Envoy | proxyless gRPC |",
      "|---|---|---|---|",
      "| `metrics[]` | its `istio.stats` filter | Envoy has no such filter: it reports each request to the agent in the pod, which applies the same rules; a direction without metrics reports nothing | no metrics of its own |",
      "| `metrics[].reportingInterval` | TCP connections that stay open | the same | – |",
      "| `GRPC_REQUEST_MESSAGES`, `GRPC_RESPONSE_MESSAGES` | counted for requests of gRPC | Envoy's `grpc_stats` filter counts them | – |",
      "| `customMetric` | accepted with a warning where it is none of the standard ones: no others are defined, so nothing changes | the same | – |",
      "| `accessLogging[].filter` | evaluated by the proxy | Envoy's CEL filter | – |",
      "| `envoyOtelAls` | OTLP over gRPC, batches of at most a second | `envoy.access_loggers.open_telemetry` | – |",
      "| `tracing[]` | spans by OTLP and Zipkin | Envoy's tracers | – |",
      "| `tracing[].disableContextPropagation` | headers that a request came with go on, none are made | the same (seen with 1.40) | – |",
      "| `tracing[].customTags[key].formatter` | access logs' commands; no value, no tag | the same (seen with 1.40) | – |",
      "| `targetRefs[]` | the workloads of a Gateway of the same namespace: Istio's by its selector, Kubernetes' by the label `gateway.networking.k8s.io/gateway-name` | the same | – |",
    ].join("\n"),
    "Tags by expression make at most 1,000 combinations of values in a proxy, each at most 260 characters long; what is beyond counts under `unknown`. Series with tags that were changed stay at their last value until they go as idle ones do (`HEDDLE_METRICS_IDLE`).",
  ].join("\n\n");
}
