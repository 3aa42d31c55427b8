/** Whose pods a webhook asks about. */
export interface InjectionPlace {
  /** Undefined: the control plane's own cluster. */
  readonly cluster: string | undefined;
  /** Undefined: as the injector's values have it. */
  readonly network: string | undefined;
  /** The webhook's selectors chose the pod by labels that ask for a sidecar. */
  readonly asked: boolean;
}

/**
 * Reads `/inject/cluster/c2/net/n2`, or the older `/inject/:ENV:cluster=c2:ENV:net=n2`; our own webhooks add `/asked/label` or not.
 * Errors: a sentence naming the part. Source: istio pkg/kube/inject/webhook.go `parseInjectEnvs`.
 */
export function readInjectionPath(path: string): InjectionPlace | string {
  const rest = path.replace(/^\/inject\/?/, "").replace(/\/$/, "");
  const pairs = rest.startsWith(":ENV:")
    ? rest
        .split(":ENV:")
        .slice(1)
        .map((pair) => pair.split("="))
    : pairsOf(rest === "" ? [] : rest.split("/"));
  const found = new Map<string, string>();
  for (const [key = "", value = ""] of pairs) {
    if (key !== "cluster" && key !== "net" && key !== "asked")
      return `webhook path ${path}: "${key}" is unknown; the form is /inject/cluster/NAME/net/NETWORK`;
    const name = decoded(value);
    if (name === undefined || name === "") return `webhook path ${path}: "${key}" is without a value`;
    found.set(key, name);
  }
  const asked = found.get("asked");
  if (asked !== undefined && asked !== "label")
    return `webhook path ${path}: "asked" is "${asked}"; only "label" can follow it`;
  return { cluster: found.get("cluster"), network: found.get("net"), asked: asked !== undefined };
}

function pairsOf(words: readonly string[]): readonly (readonly string[])[] {
  return words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1] ?? ""]] : []));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
