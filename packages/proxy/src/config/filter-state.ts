import { compileFormat, type Format, type FormatValues, renderFormat } from "./format.ts";
import { type FilterStateValue, FilterStateValue_SharedWithUpstream } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** The key that changes how the upstream connection is made. Source: Envoy well-known filter state objects. */
export const APPLICATION_PROTOCOLS_KEY = "envoy.network.application_protocols";

/** A value put beside a connection or request. */
export interface FilterStateConfig {
  readonly key: string;
  readonly value: Format;
  readonly sharedWithUpstream: boolean;
  readonly skipIfEmpty: boolean;
  /** Hash policies may read it. Source: Envoy's factory `envoy.hashable_string`. */
  readonly hashable: boolean;
}

/** A value beside a request or connection. */
export interface StateValue {
  readonly text: string;
  readonly hashable: boolean;
}

export type FilterState = ReadonlyMap<string, StateValue>;

const HASHABLE = "envoy.hashable_string";
const FACTORIES: ReadonlySet<string> = new Set(["", "envoy.string", HASHABLE]);

/** The values that somebody may read. The ALPN of upstream connections is read from the configuration: it is the same for all requests. */
export function keptState(values: readonly FilterStateConfig[]): readonly FilterStateConfig[] {
  return values.filter(({ key }) => key !== APPLICATION_PROTOCOLS_KEY);
}

/** What is put beside a connection. */
export function stateFrom(kept: readonly FilterStateConfig[], values: FormatValues): FilterState {
  const state = new Map<string, StateValue>();
  for (const { key, value, skipIfEmpty, hashable } of kept) {
    const text = renderFormat(value, values);
    if (text !== "" || !skipIfEmpty) state.set(key, { text, hashable });
  }
  return state;
}

export function decodeFilterState(
  messages: readonly FilterStateValue[],
  scope: DecodeScope,
): readonly FilterStateConfig[] {
  return messages.map((message, i): FilterStateConfig => {
    const at = scope.item(i);
    const key = message.key.case === "objectKey" ? message.key.value : "";
    if (key === "") at.field("object_key").problem("a filter state value needs an object key");
    // Such keys change what Envoy does. Source: Envoy well-known filter state objects.
    if (key.startsWith("envoy.") && key !== APPLICATION_PROTOCOLS_KEY)
      at.field("object_key").problem(
        `the proxy does not read ${JSON.stringify(key)}; remove it, or use the Envoy data plane for this workload`,
      );
    // A key of another kind is its own factory in Envoy.
    if (key !== APPLICATION_PROTOCOLS_KEY && !FACTORIES.has(message.factoryKey))
      at.field("factory_key").problem("only envoy.string and envoy.hashable_string are implemented");
    const format = message.value.case === "formatString" ? message.value.value.format : undefined;
    const text =
      format?.case === "textFormat"
        ? format.value
        : format?.case === "textFormatSource" && format.value.specifier.case === "inlineString"
          ? format.value.specifier.value
          : undefined;
    if (text === undefined) at.field("format_string").problem("only a text format is implemented");
    return {
      key,
      value: compileFormat(text ?? "", at.field("format_string")),
      sharedWithUpstream: message.sharedWithUpstream !== FilterStateValue_SharedWithUpstream.NONE,
      skipIfEmpty: message.skipIfEmpty,
      hashable: message.factoryKey === HASHABLE,
    };
  });
}
