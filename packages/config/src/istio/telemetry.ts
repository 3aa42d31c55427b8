import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { anyJson, boolean, double, oneOf, string } from "../schema/scalar.ts";
import { type Infer, ignored, notYet, refine, required, unavailable } from "../schema/schema.ts";
import { noTargets, targetRefs, workloadSelector } from "./selector.ts";

const providers = list(message("ProviderRef", { name: required(string()) }));

const accessLogging = message("AccessLogging", {
  match: message("LogSelector", { mode: oneOf("CLIENT_AND_SERVER", "CLIENT", "SERVER") }),
  providers,
  disabled: boolean(),
  filter: refine(
    message("Filter", { expression: string() }),
    () => "needs CEL, which is not available; leave the filter out, or log nothing with disabled: true",
  ),
});

const withFallback = { name: required(string()), defaultValue: string() };

const customTag = message(
  "CustomTag",
  {
    literal: message("Literal", { value: required(string()) }),
    environment: message("Environment", withFallback),
    header: message("RequestHeader", withFallback),
    formatter: unavailable(message("Formatter", { value: string() }), "use literal, environment or header"),
  },
  { exclusive: [["literal", "environment", "header"]] },
);

const spec = message("Telemetry", {
  selector: workloadSelector,
  targetRefs: unavailable(targetRefs, noTargets),
  accessLogging: list(accessLogging),
  metrics: notYet(list(message("Metrics", { providers, overrides: list(anyJson()), reportingInterval: string() }))),
  tracing: list(
    message("Tracing", {
      match: message("TracingSelector", { mode: oneOf("CLIENT_AND_SERVER", "CLIENT", "SERVER") }),
      providers,
      randomSamplingPercentage: double(0, 100),
      disableSpanReporting: boolean(),
      customTags: map(customTag),
      useRequestIdForTraceSampling: boolean(),
      enableIstioTags: boolean(),
      disableContextPropagation: ignored(boolean(), "contexts always go on"),
    }),
  ),
});

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
