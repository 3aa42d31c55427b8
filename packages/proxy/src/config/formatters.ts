import { CelSchema } from "@heddle/xds-api/envoy/extensions/formatter/cel/v3/cel";
import { MetadataSchema } from "@heddle/xds-api/envoy/extensions/formatter/metadata/v3/metadata";
import { ReqWithoutQuerySchema } from "@heddle/xds-api/envoy/extensions/formatter/req_without_query/v3/req_without_query";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import type { DecodeScope } from "./scope.ts";

/** Extensions that add commands to formats; here the commands are built in. */
const FORMATTERS: AnyTable<true> = {
  [ReqWithoutQuerySchema.typeName]: messageEntry(ReqWithoutQuerySchema, () => true),
  [MetadataSchema.typeName]: messageEntry(MetadataSchema, () => true),
  [CelSchema.typeName]: messageEntry(CelSchema, () => true),
};

type Formatter = { readonly typedConfig?: Parameters<typeof decodeAny>[0] };

/** Errors: formatters whose commands the proxy does not have. */
export function checkFormatters(formatters: readonly Formatter[], scope: DecodeScope): void {
  formatters.forEach((formatter, i) => {
    decodeAny(formatter.typedConfig, FORMATTERS, scope.item(i).field("typed_config"));
  });
}
