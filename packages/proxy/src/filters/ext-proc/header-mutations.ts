import type { HeaderMutation } from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import { type MutationRules, mayMutate } from "../../config/mutation-rules.ts";
import type { HeaderFields } from "./header-fields.ts";

/** Limits of Envoy's connection managers: entries, and bytes of all names and values. */
const MAX_COUNT = 100;
const MAX_BYTES = 60 * 1024;
const NAME = /^:?[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** How a mutation is to be treated. */
export interface MutationUse {
  readonly rules: MutationRules;
  /** The message is replaced as a whole: then its method too. */
  readonly replacing: boolean;
  /** A length is of no use: nobody knows yet how much will come. */
  readonly noLength: boolean;
  /** Counts a change that was not made. */
  rejected(): void;
}

/** Makes the changes that a processor asks for, one after the other. Errors: why it stopped, in Envoy's words. */
export function applyHeaderMutation(
  mutation: HeaderMutation,
  fields: HeaderFields,
  use: MutationUse,
): string | undefined {
  const { removeHeaders, setHeaders } = mutation;
  const fail = (why: string): string => {
    use.rejected();
    return `header_mutation_${why}`;
  };
  if (removeHeaders.length > MAX_COUNT || setHeaders.length > MAX_COUNT) return fail("operation_count_exceeds_limit");
  for (const written of removeHeaders) {
    if (!NAME.test(written)) return fail("remove_contains_invalid_character");
    const name = written.toLowerCase();
    if (!pseudo(name) && mayMutate(use.rules, name)) fields.remove(name);
    else if (use.rules.refuses) return fail("remove_headers_failed");
    else use.rejected();
  }
  for (const { header, append } of setHeaders) {
    if (header === undefined) continue;
    // Real Envoy reads bytes only, and of what may be done with them only `append`.
    const value = Buffer.from(header.rawValue).toString("latin1");
    if (!NAME.test(header.key) || !canStand(value)) return fail("set_contains_invalid_character");
    const name = header.key.toLowerCase();
    if (use.noLength && name === "content-length") continue;
    const appends = append === true;
    if (mutateOne(fields, name, value, appends, use)) continue;
    if (use.rules.refuses) return fail("set_headers_failed");
    use.rejected();
  }
  return tooLarge(fields) ? fail("result_exceeds_limit") : undefined;
}

function mutateOne(fields: HeaderFields, name: string, value: string, append: boolean, use: MutationUse): boolean {
  const allowed = mayMutate(use.rules, name) || (use.replacing && name === ":method");
  if (!allowed) return false;
  if (!append || fields.get(name) === undefined) return fields.set(name, value);
  if (pseudo(name)) return false;
  fields.append(name, value);
  return true;
}

/** Each message has exactly one of these. */
function pseudo(name: string): boolean {
  return name.startsWith(":") || name === "host";
}

function canStand(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code === 10 || code === 13) return false;
  }
  return true;
}

function tooLarge(fields: HeaderFields): boolean {
  const entries = fields.entries();
  let bytes = 0;
  for (const [name, value] of entries) bytes += name.length + value.length;
  return entries.length > MAX_COUNT || bytes > MAX_BYTES;
}
