import { compileExpression } from "@heddle/expression";
import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { boolean, double, duration, oneOf, string } from "../schema/scalar.ts";
import { type Infer, refine, required, withDefault } from "../schema/schema.ts";
import { formattedText } from "./http-text.ts";
import { STANDARD_METRICS, tagNameProblem, withoutEffect } from "./metric-tags.ts";
import { targetFields, workloadSelector } from "./selector.ts";

const providers = list(message("ProviderRef", { name: required(string()) }));

const mode = oneOf("CLIENT_AND_SERVER", "CLIENT", "SERVER");

const accessLogging = message("AccessLogging", {
  match: message("LogSelector", { mode }),
  providers,
  disabled: boolean(),
  filter: message("Filter", { expression: refine(string(), conditionProblem) }),
});

const CONDITION_ROOTS = ["request", "response", "source", "destination", "connection", "upstream", "xds"];

/** Real Envoy evaluates conditions itself, and knows nothing of Istio's peers. */
function conditionProblem(text: string): string | undefined {
  const condition = compileExpression(text);
  if (!condition.ok) return condition.error;
  if (condition.value.type !== "bool")
    return `gives a ${condition.value.type}; a condition is needed, such as response.code >= 400`;
  if (condition.value.makesText)
    return "has string() or + of strings, which real Envoy's conditions do not; compare the parts";
  const root = (name: string): string => name.slice(0, name.indexOf("."));
  const foreign = condition.value.uses.find(
    ({ attribute, written }) => !CONDITION_ROOTS.includes(root(written)) || root(attribute) !== root(written),
  );
  return (
    foreign &&
    `asks for ${foreign.written}, which is there for tags of metrics only; conditions have ${CONDITION_ROOTS.join(", ")}`
  );
}

const tagOverride = message(
  "TagOverride",
  { operation: withDefault(oneOf("UPSERT", "REMOVE"), "UPSERT"), value: string() },
  {
    check: ({ operation, value = "" }, path, sink) => {
      if (operation === "REMOVE") {
        if (value !== "") sink.error(`${path}.value`, "must not be set when operation is REMOVE");
        return;
      }
      if (value === "")
        sink.error(`${path}.value`, "is required when operation is UPSERT: an expression, such as request.host");
      const expression = value === "" ? undefined : compileExpression(value);
      if (expression?.ok === false) sink.error(`${path}.value`, expression.error);
      if (expression?.ok === true && expression.value.type === "list")
        sink.error(`${path}.value`, "gives a list, which is no value of a tag");
    },
  },
);

const metricsOverride = message(
  "MetricsOverrides",
  {
    match: message(
      "MetricSelector",
      { metric: oneOf("ALL_METRICS", ...STANDARD_METRICS), customMetric: string(), mode },
      { exclusive: [["metric", "customMetric"]] },
    ),
    disabled: boolean(),
    tagOverrides: map(tagOverride),
  },
  {
    check: ({ match, tagOverrides }, path, sink) => {
      if (match?.customMetric === "")
        sink.error(`${path}.match.customMetric`, "must not be empty; leave it out for all metrics");
      for (const field of ["metric", "customMetric"] as const) {
        const vain = withoutEffect(match?.[field] || "ALL_METRICS");
        if (vain !== undefined) sink.warn(`${path}.match.${field}`, vain);
      }
      for (const name of Object.keys(tagOverrides)) {
        const problem = tagNameProblem(name);
        if (problem !== undefined) sink.error(`${path}.tagOverrides[${JSON.stringify(name)}]`, problem);
      }
    },
  },
);

const withFallback = { name: required(string()), defaultValue: string() };

const customTag = message(
  "CustomTag",
  {
    literal: message("Literal", { value: required(string()) }),
    environment: message("Environment", withFallback),
    header: message("RequestHeader", withFallback),
    formatter: message("Formatter", { value: required(formattedText) }),
  },
  { exclusive: [["literal", "environment", "header", "formatter"]] },
);

const spec = message(
  "Telemetry",
  {
    selector: workloadSelector,
    ...targetFields,
    accessLogging: list(accessLogging),
    metrics: list(
      message("Metrics", {
        providers,
        overrides: list(metricsOverride),
        reportingInterval: refine(duration(), (ms) => (ms < 1000 ? "must be 1s or more" : undefined)),
      }),
    ),
    tracing: list(
      message("Tracing", {
        match: message("TracingSelector", { mode }),
        providers,
        randomSamplingPercentage: double(0, 100),
        disableSpanReporting: boolean(),
        customTags: map(customTag),
        useRequestIdForTraceSampling: boolean(),
        enableIstioTags: boolean(),
        disableContextPropagation: boolean(),
      }),
    ),
  },
  { exclusive: [["selector", "targetRef", "targetRefs"]] },
);

/** What proxies tell. Source: istio/api telemetry/v1alpha1/telemetry.proto. */
export const telemetry: ResourceDefinition<"Telemetry", Infer<typeof spec>> = {
  group: "telemetry.istio.io",
  kind: "Telemetry",
  plural: "telemetries",
  shortNames: ["telemetry"],
  categories: ["istio-io", "telemetry-istio-io"],
  versions: ["v1", "v1alpha1"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type Telemetry = Resource<"Telemetry", Infer<typeof spec>>;
