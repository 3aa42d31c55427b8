// Hot path where routes are scoped: one look-up per request.
import type { RequestHead } from "@heddle/wire";
import { type RouteScope, type ScopeFragment, scopeKey } from "../config/scoped-routes.ts";
import type { RouteCounterSet } from "../counters/route-counters.ts";
import { compileRouteTable, type RouteTable } from "./route-table.ts";

/** The scopes of one set: by key, each with its routes. */
export class ScopeSet {
  readonly #counters: RouteCounterSet;
  readonly #table: (name: string) => RouteTable | undefined;
  readonly #byName = new Map<string, { readonly scope: RouteScope; readonly own: RouteTable | undefined }>();
  readonly #byKey = new Map<string, string>();

  /** `table`: of the names that scopes have for their routes. */
  constructor(counters: RouteCounterSet, table: (name: string) => RouteTable | undefined) {
    this.#counters = counters;
    this.#table = table;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Names of tables that scopes refer to. */
  *tables(): Iterable<string> {
    for (const { scope } of this.#byName.values()) if (scope.routes.kind === "rds") yield scope.routes.name;
  }

  /** Name of another scope with the key, among those that are not `changing`; undefined: there is none. */
  conflict(scope: RouteScope, changing: ReadonlySet<string>): string | undefined {
    const other = this.#byKey.get(scopeKey(scope.key));
    return other === undefined || other === scope.name || changing.has(other) ? undefined : other;
  }

  set(scope: RouteScope): void {
    this.remove(scope.name);
    const { routes } = scope;
    const own = routes.kind === "inline" ? compileRouteTable(routes.table, this.#counters) : undefined;
    this.#byName.set(scope.name, { scope, own });
    this.#byKey.set(scopeKey(scope.key), scope.name);
  }

  remove(name: string): void {
    const before = this.#byName.get(name);
    if (before === undefined) return;
    this.#byName.delete(name);
    const key = scopeKey(before.scope.key);
    // Another may have taken the key over in the same update.
    if (this.#byKey.get(key) === name) this.#byKey.delete(key);
  }

  /** Undefined: no scope has the key of the request, or its routes are not there yet. */
  find(fragments: readonly ScopeFragment[], request: RequestHead): RouteTable | undefined {
    const key = keyOf(fragments, request);
    const name = key === undefined ? undefined : this.#byKey.get(key);
    const found = name === undefined ? undefined : this.#byName.get(name);
    if (found === undefined) return undefined;
    const { routes } = found.scope;
    return routes.kind === "rds" ? this.#table(routes.name) : found.own;
  }
}

/** Undefined: a part of it is not in the headers. Source: Envoy `ScopeKeyBuilderImpl`. */
export function keyOf(fragments: readonly ScopeFragment[], request: RequestHead): string | undefined {
  const parts: string[] = [];
  for (const fragment of fragments) {
    const part = partOf(fragment, request);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return scopeKey(parts);
}

function partOf({ header, separator, take }: ScopeFragment, request: RequestHead): string | undefined {
  const value = firstValue(header, request);
  if (value === undefined) return undefined;
  const elements = separator === "" ? [value] : value.split(separator);
  if (take.kind === "index") return elements[take.index];
  for (const element of elements) {
    const at = element.indexOf(take.separator);
    const name = at < 0 ? element : element.slice(0, at);
    if (name === take.key) return at < 0 ? "" : element.slice(at + take.separator.length);
  }
  return undefined;
}

/** The first value of a header, or what stands in its place in the head. */
function firstValue(header: string, request: RequestHead): string | undefined {
  switch (header) {
    case ":authority":
    case "host":
      return request.authority;
    case ":path":
      return request.path;
    case ":method":
      return request.method;
    default:
      return request.headers.get(header);
  }
}
