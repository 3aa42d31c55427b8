/** What a path means, before it is known whether the resource exists. */
export type RequestInfo =
  | { readonly kind: "path"; readonly path: string }
  | {
      readonly kind: "resource";
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly namespace: string;
      readonly name: string;
      readonly subresource: string;
      /** What follows the subresource: the path behind a proxy. */
      readonly rest: string;
      /** The path begins with `watch/`: whatever the method, that is the verb. */
      readonly watch?: true;
    };

const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

/** Follows Kubernetes' RequestInfoFactory. Errors: URIError for bad percent escapes. */
export function parseRequestPath(path: string): RequestInfo {
  const parts = path.split("/").filter((part, index, all) => part !== "" || index === all.length - 1);
  const [root] = parts;
  const core = root === "api";
  if ((!core && root !== "apis") || parts.length < (core ? 3 : 4)) return { kind: "path", path };
  const group = core ? "" : (parts[1] ?? "");
  const version = (core ? parts[1] : parts[2]) ?? "";
  let rest = parts.slice(core ? 2 : 3).map(decodeURIComponent);
  while (rest.length > 0 && rest.at(-1) === "" && rest.length < 4) rest = rest.slice(0, -1);
  const watch = rest[0] === "watch" && rest.length > 1;
  if (watch) rest = rest.slice(1);
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    namespace = rest[1] ?? "";
    if (rest.length > 2 && !(NAMESPACE_SUBRESOURCES.has(rest[2] ?? "") && rest.length === 3)) rest = rest.slice(2);
  }
  const [resource = "", name = "", subresource = "", ...behind] = rest;
  if (resource === "") return { kind: "path", path };
  const found = { kind: "resource", group, version, resource, namespace, name, subresource } as const;
  return { ...found, rest: behind.join("/"), ...(watch ? { watch } : {}) };
}

export type RequestVerb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection"
  | "connect";

/** The verb that authorization sees. */
export function resourceVerb(method: string, info: RequestInfo, query: URLSearchParams): RequestVerb | undefined {
  const named = info.kind === "resource" && info.name !== "";
  if (info.kind === "resource" && info.watch) return "watch";
  switch (method) {
    case "GET":
    case "HEAD":
      if (named) return "get";
      return isTrue(query.get("watch")) ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return named ? "delete" : "deletecollection";
    default:
      return undefined;
  }
}

export function isTrue(value: string | null): boolean {
  return value === "true" || value === "1" || value === "t" || value === "T" || value === "True" || value === "TRUE";
}
