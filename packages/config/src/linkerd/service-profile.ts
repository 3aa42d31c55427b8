import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { boolean, double, duration, int, string } from "../schema/scalar.ts";
import { type Infer, ignored, refine, required, withDefault } from "../schema/schema.ts";
import { requestCondition } from "./request-condition.ts";
import { responseCondition } from "./response-condition.ts";

/** A share, as Kubernetes writes quantities: `900m`, `1`. */
const weight = refine(string(), (text) =>
  /^\d+(\.\d+)?m?$/.test(text) ? undefined : "is no weight such as 900m or 1",
);

const route = message("RouteSpec", {
  name: required(string()),
  condition: required(requestCondition),
  responseClasses: list(
    message("ResponseClass", { condition: required(responseCondition), isFailure: withDefault(boolean(), false) }),
  ),
  isRetryable: withDefault(boolean(), false),
  timeout: duration(1),
});

const spec = message("ServiceProfile", {
  routes: list(route),
  retryBudget: message("RetryBudget", {
    retryRatio: required(double(0, 1000)),
    minRetriesPerSecond: required(int(0)),
    ttl: required(duration(1)),
  }),
  dstOverrides: list(message("WeightedDst", { authority: required(string()), weight: required(weight) })),
  opaquePorts: ignored(list(string()), "annotate the Service with config.linkerd.io/opaque-ports"),
});

/** Routes of a Service, which its name names in full. Source: Linkerd's ServiceProfile. */
export const serviceProfile: ResourceDefinition<"ServiceProfile", Infer<typeof spec>> = {
  group: "linkerd.io",
  kind: "ServiceProfile",
  plural: "serviceprofiles",
  shortNames: ["sp"],
  categories: [],
  versions: ["v1alpha2", "v1alpha1"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type ServiceProfile = Resource<"ServiceProfile", Infer<typeof spec>>;
export type ProfileRoute = ServiceProfile["spec"]["routes"][number];
