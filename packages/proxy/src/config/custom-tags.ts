import type { CustomTag } from "@heddle/xds-api/envoy/type/tracing/v3/custom_tag";
import { compileFormat, type Format } from "./format.ts";
import type { DecodeScope } from "./scope.ts";

/** A tag of spans and of entries of logs, beside the standard ones. `fallback` "": left out where there is no value. */
export type TagConfig = { readonly name: string; readonly fallback: string } & (
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "format"; readonly format: Format }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "header"; readonly header: string }
  | {
      readonly kind: "metadata";
      readonly of: "request" | "route" | "cluster" | "host";
      readonly filter: string;
      readonly path: readonly string[];
    }
);

/** Errors: tags without a name or a value. */
export function decodeCustomTags(messages: readonly CustomTag[], scope: DecodeScope): readonly TagConfig[] {
  const tags: TagConfig[] = [];
  messages.forEach((message, i) => {
    const tag = decodeTag(message, scope.item(i));
    if (tag !== undefined) tags.push(tag);
  });
  return tags;
}

function decodeTag({ type, tag: name }: CustomTag, scope: DecodeScope): TagConfig | undefined {
  if (name === "") scope.field("tag").problem("a custom tag needs a name");
  switch (type.case) {
    case "literal":
      return { kind: "literal", name, fallback: "", text: type.value.value };
    case "environment":
      return { kind: "environment", name, fallback: type.value.defaultValue, variable: type.value.name };
    case "requestHeader":
      return { kind: "header", name, fallback: type.value.defaultValue, header: type.value.name.toLowerCase() };
    case "metadata": {
      const { kind, metadataKey, defaultValue } = type.value;
      return {
        kind: "metadata",
        name,
        fallback: defaultValue,
        of: kind?.kind.case ?? "request",
        filter: metadataKey?.key ?? "",
        path: (metadataKey?.path ?? []).map(({ segment }) => segment.value ?? ""),
      };
    }
    case "value":
      return { kind: "format", name, fallback: "", format: compileFormat(type.value, scope.field("value")) };
    case undefined:
      scope.problem("a custom tag needs one of literal, environment, request_header, metadata, value");
      return undefined;
  }
}
