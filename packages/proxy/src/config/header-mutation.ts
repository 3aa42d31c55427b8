import { compileFormat, type Format } from "./format.ts";
import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { bytesOfText } from "./wire-text.ts";

export type AppendAction = "append" | "add-if-absent" | "overwrite-or-add" | "overwrite-if-exists";

export interface HeaderAddition {
  readonly name: string;
  readonly value: Format;
  readonly action: AppendAction;
  readonly keepEmpty: boolean;
}

/** Header changes of one route level. */
export interface HeaderMutations {
  readonly requestAdd: readonly HeaderAddition[];
  readonly requestRemove: readonly string[];
  readonly responseAdd: readonly HeaderAddition[];
  readonly responseRemove: readonly string[];
  /** They change the header that names the client, who must be read before. */
  readonly namesClient: boolean;
}

/** Who the client behind trusted proxies is. */
const CLIENT_HEADER = "x-forwarded-for";

/** Whether changes of request headers touch the one that names the client. */
export function namesClient(steps: readonly (string | Pick<HeaderAddition, "name">)[]): boolean {
  return steps.some((step) => (typeof step === "string" ? step : step.name) === CLIENT_HEADER);
}

interface MutationFields {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
}

/** Undefined when nothing changes, so that the hot path tests one field. */
export function decodeHeaderMutations(message: MutationFields, scope: DecodeScope): HeaderMutations | undefined {
  const requestAdd = decodeAdditions(message.requestHeadersToAdd, scope.field("request_headers_to_add"));
  const requestRemove = message.requestHeadersToRemove.map((name) => name.toLowerCase());
  const mutations: HeaderMutations = {
    requestAdd,
    requestRemove,
    namesClient: namesClient([...requestAdd, ...requestRemove]),
    responseAdd: decodeAdditions(message.responseHeadersToAdd, scope.field("response_headers_to_add")),
    responseRemove: message.responseHeadersToRemove.map((name) => name.toLowerCase()),
  };
  const count =
    mutations.requestAdd.length +
    mutations.requestRemove.length +
    mutations.responseAdd.length +
    mutations.responseRemove.length;
  return count === 0 ? undefined : mutations;
}

/** A list of headers to add. */
export function decodeAdditions(options: readonly HeaderValueOption[], scope: DecodeScope): readonly HeaderAddition[] {
  return options.map((option, i) => decodeAddition(option, scope.item(i)));
}

export function decodeAddition(option: HeaderValueOption, scope: DecodeScope): HeaderAddition {
  const name = (option.header?.key ?? "").toLowerCase();
  if (name === "") scope.field("header.key").problem("a header to add needs a name");
  if (name.startsWith(":") || name === "host")
    scope.field("header.key").problem(`${name} can't be changed this way; use a host or path rewrite`);
  const raw = option.header?.rawValue;
  const text =
    raw !== undefined && raw.length > 0 ? Buffer.from(raw).toString("latin1") : bytesOfText(option.header?.value ?? "");
  return {
    name,
    value: compileFormat(text, scope.field("header.value")),
    action: appendAction(option),
    keepEmpty: option.keepEmptyValue,
  };
}

function appendAction(option: HeaderValueOption): AppendAction {
  // The deprecated wrapper still decides where it is set: Istio writes it.
  if (option.append !== undefined) return option.append ? "append" : "overwrite-or-add";
  switch (option.appendAction) {
    case HeaderValueOption_HeaderAppendAction.ADD_IF_ABSENT:
      return "add-if-absent";
    case HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD:
      return "overwrite-or-add";
    case HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS:
      return "overwrite-if-exists";
    default:
      return "append";
  }
}
