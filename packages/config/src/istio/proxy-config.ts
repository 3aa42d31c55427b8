import { map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { int, string } from "../schema/scalar.ts";
import { type Infer, ignored } from "../schema/schema.ts";
import { workloadSelector } from "./selector.ts";

const spec = message("ProxyConfig", {
  selector: workloadSelector,
  concurrency: int(0),
  environmentVariables: map(string()),
  image: ignored(
    message("ProxyImage", { imageType: string() }),
    "there is one image; choose it in the injector's values",
  ),
});

/** Settings of the proxies of a namespace or of some workloads. Source: istio/api networking/v1beta1/proxy_config.proto. */
export const proxyConfigResource: ResourceDefinition<"ProxyConfig", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "ProxyConfig",
  plural: "proxyconfigs",
  shortNames: [],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1beta1"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type ProxyConfigResource = Resource<"ProxyConfig", Infer<typeof spec>>;
