/** True when something of `owner`'s namespace that is exported to `exportTo` can be seen from `namespace`. */
export function isExported(exportTo: readonly string[], owner: string, namespace: string): boolean {
  return exportTo.some((target) => target === "*" || target === namespace || (target === "." && owner === namespace));
}

/** True when `pattern` (exact, `*.suffix` or `*`) covers the host. A pattern covers narrower patterns, too. */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  return (
    pattern.startsWith("*") && host.replace(/^\*/, "").endsWith(pattern.slice(1)) && host.length > pattern.length - 1
  );
}

/** Orders matches: an exact host before a longer wildcard before a shorter one. */
export function specificity(pattern: string): number {
  return pattern.startsWith("*") ? pattern.length : 10_000 + pattern.length;
}

/** Oldest first, then by name: the order in which conflicting resources win. */
export function byAge<
  T extends {
    readonly meta: { readonly creationTimestamp: string };
    readonly ref: { readonly namespace: string; readonly name: string };
  },
>(a: T, b: T): number {
  const left = `${a.meta.creationTimestamp} ${a.ref.namespace}/${a.ref.name}`;
  const right = `${b.meta.creationTimestamp} ${b.ref.namespace}/${b.ref.name}`;
  return left === right ? 0 : left < right ? -1 : 1;
}
