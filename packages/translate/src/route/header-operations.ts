import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpHeaders } from "@heddle/config";
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from "@heddle/xds-api/envoy/config/core/v3/base";

type HeaderValueOption = MessageInitShape<typeof HeaderValueOptionSchema>;
type Operations = NonNullable<HttpHeaders["request"]>;

export interface HeaderChanges {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
}

/** Header changes of a route or of one destination. `host` is not a header here, see {@link hostOverride}. */
export function headerChanges(headers: HttpHeaders | undefined): HeaderChanges {
  return {
    requestHeadersToAdd: additions(headers?.request),
    requestHeadersToRemove: [...(headers?.request?.remove ?? [])],
    responseHeadersToAdd: additions(headers?.response),
    responseHeadersToRemove: [...(headers?.response?.remove ?? [])],
  };
}

/** Setting `host` (or `:authority`) rewrites the authority. */
export function hostOverride(headers: HttpHeaders | undefined): string | undefined {
  const set = headers?.request?.set ?? {};
  for (const [name, value] of Object.entries(set)) {
    if (isHost(name)) return value;
  }
  return undefined;
}

function isHost(name: string): boolean {
  return name.toLowerCase() === "host" || name === ":authority";
}

function additions(operations: Operations | undefined): HeaderValueOption[] {
  const option = (
    key: string,
    value: string,
    appendAction: HeaderValueOption_HeaderAppendAction,
  ): HeaderValueOption => ({
    header: { key, value },
    appendAction,
  });
  return [
    ...Object.entries(operations?.set ?? {})
      .filter(([name]) => !isHost(name))
      .map(([name, value]) => option(name, value, HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
    ...Object.entries(operations?.add ?? {}).map(([name, value]) =>
      option(name, value, HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD),
    ),
  ];
}
