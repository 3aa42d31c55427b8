import type { ConfigSource } from "@heddle/xds-api/envoy/config/core/v3/config_source";
import type { DecodeScope } from "../config/scope.ts";

/** Where listeners or clusters of a bootstrap come from. */
export type DynamicSource = { readonly kind: "ads" } | { readonly kind: "file"; readonly path: string };

/** Undefined: not dynamic. Errors: sources other than ADS and files. */
export function decodeConfigSource(message: ConfigSource | undefined, scope: DecodeScope): DynamicSource | undefined {
  const specifier = message?.configSourceSpecifier;
  switch (specifier?.case) {
    case undefined:
      return undefined;
    case "ads":
    case "self":
      return { kind: "ads" };
    case "path":
      return { kind: "file", path: specifier.value };
    case "pathConfigSource":
      return { kind: "file", path: specifier.value.path };
    case "apiConfigSource":
      scope
        .field("api_config_source")
        .problem(
          "a stream for one resource type is not implemented; use ads: {} together with dynamic_resources.ads_config",
        );
      return undefined;
  }
}
