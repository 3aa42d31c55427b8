import type { TypedExtensionConfig } from "@heddle/xds-api/envoy/config/core/v3/extension";
import { HeaderMutationSchema } from "@heddle/xds-api/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeHeaderSteps, type HeaderStep } from "./filters/header-mutation.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

export const EARLY_MUTATION_SHAPE = shape(HeaderMutationSchema, ["mutations"]);

const EXTENSIONS: AnyTable<readonly HeaderStep[]> = {
  [HeaderMutationSchema.typeName]: messageEntry(HeaderMutationSchema, (message, scope) => {
    checkShape(EARLY_MUTATION_SHAPE, message, scope);
    return decodeHeaderSteps(message.mutations, scope.field("mutations"));
  }),
};

/** What may change headers before anything looks at them; for the reference. */
export const EARLY_MUTATION_TYPES: readonly string[] = Object.keys(EXTENSIONS);

/** In their order. Undefined: nothing changes. */
export function decodeEarlyMutations(
  messages: readonly TypedExtensionConfig[],
  scope: DecodeScope,
): readonly HeaderStep[] | undefined {
  const steps = messages.flatMap(
    ({ typedConfig }, i) => decodeAny(typedConfig, EXTENSIONS, scope.item(i).field("typed_config")) ?? [],
  );
  return steps.length === 0 ? undefined : steps;
}
