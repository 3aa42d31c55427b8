import type { HeaderList, RequestHead } from "@heddle/wire";
import type { HeaderStep } from "../config/filters/header-mutation.ts";
import type { FormatCommand, FormatValues } from "../config/format.ts";
import { renderHeader } from "../config/format.ts";
import type { HeaderAddition } from "../config/header-mutation.ts";
import { pseudoHeader } from "../router/header-values.ts";

/** Adds configured headers to a message. */
export function addHeaders(additions: readonly HeaderAddition[], headers: HeaderList, values: FormatValues): void {
  for (const addition of additions) {
    // Source: Envoy leaves out of headers what it does not know.
    const value = renderHeader(addition.value, values, "");
    if (value === "" && !addition.keepEmpty) continue;
    switch (addition.action) {
      case "append":
        headers.append(addition.name, value);
        break;
      case "add-if-absent":
        if (!headers.has(addition.name)) headers.append(addition.name, value);
        break;
      case "overwrite-or-add":
        headers.set(addition.name, value);
        break;
      case "overwrite-if-exists":
        if (headers.has(addition.name)) headers.set(addition.name, value);
        break;
    }
  }
}

/** Removes and adds headers, in the order of the list. */
export function applySteps(steps: readonly HeaderStep[], headers: HeaderList, values: FormatValues): void {
  for (const step of steps) {
    if (typeof step === "string") headers.remove(step);
    else addHeaders([step], headers, values);
  }
}

/** Value of `%REQ(a?b)%` and its like. */
export function headerCommand(
  command: FormatCommand,
  head: RequestHead | undefined,
  headers: HeaderList | undefined,
): string | undefined {
  for (const name of command.headers) {
    const value = (head && pseudoHeader(name, head)) ?? headers?.getAll(name);
    if (value !== undefined) return value;
  }
  return undefined;
}
