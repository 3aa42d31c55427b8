import { ApiError } from "../../contract/index.ts";
import { badRequest } from "../errors/api-errors.ts";
import { isTrue, type RequestInfo, resourceVerb } from "../http/request-info.ts";
import type { Actor } from "../write/write-request.ts";
import { type Attributes, type Authorizer, describeRefusal } from "./rbac.ts";

interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly info: RequestInfo;
}

const METHOD_VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "head",
  POST: "post",
  PUT: "put",
  PATCH: "patch",
  DELETE: "delete",
  OPTIONS: "options",
};

function attributesOf(head: Head): Attributes {
  const { info, method, query } = head;
  if (info.kind === "path")
    return { kind: "path", verb: METHOD_VERBS[method] ?? method.toLowerCase(), path: head.path };
  const { group, resource, subresource, namespace, name } = info;
  const watching = method === "GET" && isTrue(query.get("watch"));
  const verb = watching ? "watch" : (resourceVerb(method, info, query) ?? method.toLowerCase());
  return { kind: "resource", verb, group, resource, subresource, namespace, name };
}

/** Errors: 403 in Kubernetes' words. */
export function requireAllowed(authorizer: Authorizer, actor: Actor, attributes: Attributes): void {
  const decision = authorizer.decide(actor, attributes);
  if (decision.allowed) return;
  const why = describeRefusal(actor, attributes);
  if (attributes.kind === "path") throw new ApiError(403, "Forbidden", `forbidden: ${why}`, {});
  const { group, resource, name } = attributes;
  const qualified = group === "" ? resource : `${resource}.${group}`;
  const subject = name === "" ? qualified : `${qualified} ${JSON.stringify(name)}`;
  throw new ApiError(403, "Forbidden", `${subject} is forbidden: ${why}`, {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: resource,
  });
}

/** Reviews about oneself and impersonation come before the request's own authorization. */
export function createAccessCheck(authorizer: Authorizer): (actor: Actor, head: Head) => Actor {
  return (actor, head) => {
    const acting = impersonated(authorizer, actor, head.headers);
    requireAllowed(authorizer, acting, attributesOf(head));
    return acting;
  };
}

function impersonated(authorizer: Authorizer, actor: Actor, headers: Readonly<Record<string, string>>): Actor {
  const user = headers["impersonate-user"];
  const groups = (headers["impersonate-group"] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (user === undefined || user === "") {
    if (groups.length === 0) return actor;
    throw badRequest("requested [{Group  ...}] without impersonating a user");
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  requireAllowed(authorizer, actor, {
    kind: "resource",
    verb: "impersonate",
    group: "",
    resource: account ? "serviceaccounts" : "users",
    subresource: "",
    namespace: account?.[1] ?? "",
    name: account?.[2] ?? user,
  });
  for (const name of groups) {
    requireAllowed(authorizer, actor, {
      kind: "resource",
      verb: "impersonate",
      group: "",
      resource: "groups",
      subresource: "",
      namespace: "",
      name,
    });
  }
  const implied =
    account && groups.length === 0 ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [];
  const all = [...groups, ...implied];
  const base = user === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  const extra: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith("impersonate-extra-"))
      extra[decodeURIComponent(name.slice("impersonate-extra-".length))] = [value];
  }
  return {
    name: user,
    uid: headers["impersonate-uid"] ?? "",
    groups: all.includes(base) ? all : [...all, base],
    extra,
  };
}
