import { useEffect, useState } from "preact/hooks";

/** What the address after `#` shows. */
export type Route =
  | { readonly page: "overview" }
  | { readonly page: "namespace"; readonly namespace: string }
  | { readonly page: "workload"; readonly namespace: string; readonly kind: string; readonly name: string }
  | { readonly page: "graph" }
  | { readonly page: "problems" }
  | { readonly page: "live"; readonly target: string }
  | { readonly page: "traces"; readonly service: string; readonly trace: string }
  | { readonly page: "gateways" }
  | { readonly page: "mesh" };

export function parseRoute(hash: string): Route {
  const [page = "", ...rest] = hash
    .replace(/^#?\/?/, "")
    .split("/")
    .map(decode);
  const [a = "", b = "", c = ""] = rest;
  switch (page) {
    case "namespace":
      return a ? { page, namespace: a } : { page: "overview" };
    case "workload":
      return a && b && c ? { page: "workload", namespace: a, kind: b, name: c } : { page: "overview" };
    case "graph":
    case "problems":
    case "gateways":
    case "mesh":
      return { page };
    case "traces":
      return { page, service: a, trace: b };
    case "live":
      return { page, target: rest.join("/") };
    default:
      return { page: "overview" };
  }
}

export function hashOf(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parseRoute(hash);
}
