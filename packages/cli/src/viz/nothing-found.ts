/** Whose figures were asked for. `kind`: as kubectl knows it, or `authority`. */
export interface AskedFor {
  readonly kind: string;
  readonly name?: string | undefined;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
}

/** What a table without rows says instead: what there is none of, and where to look next. */
export function nothingFound(what: "resources" | "traffic" | "edges", asked: AskedFor): string {
  return `No ${what} found. ${next(asked)}\n`;
}

/** A line for figures that are all zero because of the other side. */
export function nothingBetween(side: "to" | "from", other: string, namespace: string): string {
  const [kind = "", name] = other.split("/");
  return `‼ no requests --${side} ${other} in this time. ${next({ kind, name, namespace })}\n`;
}

function next({ kind, name, namespace }: AskedFor): string {
  if (kind === "authority") return "Authorities are known once requests were sent to them; try a longer -t.";
  const where = kind === "namespace" ? "" : namespace === undefined ? " -A" : ` -n ${namespace}`;
  return `Is it there, with a proxy and traffic? kubectl get ${kind}${name === undefined ? "" : ` ${name}`}${where}; heddle viz list${namespace === undefined ? " -A" : ` -n ${namespace}`}`;
}
