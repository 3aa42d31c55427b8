import type { KubeObject } from "../../contract/index.ts";
import { badRequest, invalidObject } from "../errors/api-errors.ts";
import { required } from "../errors/field-errors.ts";
import { at, type Dict, dict, isDict, list, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Actor } from "../write/write-request.ts";
import type { Attributes, Authorizer } from "./rbac.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Answers the resources that are questions: token and access reviews. */
export interface Reviews {
  answer(def: ResourceDefinition, namespace: string, body: Dict, actor: Actor): Promise<KubeObject>;
}

export interface ReviewsDeps {
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
  /** Whether a token is the administrator's. */
  authenticate(token: string): Actor | undefined;
}

function attributesOf(def: ResourceDefinition, spec: Dict, namespace: string): Attributes {
  const path = spec["nonResourceAttributes"];
  if (isDict(path)) return { kind: "path", verb: text(path["verb"]), path: text(path["path"]) };
  if (!isDict(spec["resourceAttributes"])) {
    throw invalidObject(def, "", [
      required(
        "spec.resourceAttributes",
        "exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ),
    ]);
  }
  const wanted = spec["resourceAttributes"];
  if (namespace !== "" && text(wanted["namespace"]) !== namespace) {
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  }
  return {
    kind: "resource",
    verb: text(wanted["verb"]),
    group: text(wanted["group"]),
    resource: text(wanted["resource"]),
    subresource: text(wanted["subresource"]),
    namespace: text(wanted["namespace"]),
    name: text(wanted["name"]),
  };
}

function userInfo(actor: Actor): object {
  return {
    username: actor.name,
    ...(actor.uid === "" ? {} : { uid: actor.uid }),
    groups: actor.groups,
    ...(Object.keys(actor.extra).length === 0 ? {} : { extra: actor.extra }),
  };
}

function actorOf(spec: Dict): Actor {
  const extra = Object.entries(dict(spec["extra"])).map(
    ([key, value]) => [key, list(value).map((item) => text(item))] as const,
  );
  return {
    name: text(spec["user"]),
    uid: text(spec["uid"]),
    groups: list(spec["groups"]).map((group) => text(group)),
    extra: Object.fromEntries(extra),
  };
}

export function createReviews(deps: ReviewsDeps): Reviews {
  const { authorizer } = deps;

  function access(actor: Actor, attributes: Attributes): object {
    const decision = authorizer.decide(actor, attributes);
    if (decision.allowed) return { allowed: true, ...(decision.reason === "" ? {} : { reason: decision.reason }) };
    return { allowed: false };
  }

  async function tokenReview(spec: Dict): Promise<object> {
    const token = text(spec["token"]);
    const audiences = list(spec["audiences"]).map((item) => text(item));
    if (token === "") return { authenticated: false, user: {} };
    const admin = audiences.length === 0 ? deps.authenticate(token) : undefined;
    if (admin) return { authenticated: true, user: userInfo(admin), audiences: [deps.tokens.issuer] };
    const verdict = await deps.tokens.verify(token, audiences.length === 0 ? undefined : audiences);
    if (verdict.kind === "refused") {
      return { authenticated: false, user: {}, error: `[invalid bearer token, ${verdict.reason}]` };
    }
    return { authenticated: true, user: userInfo(verdict.actor), audiences: verdict.audiences };
  }

  async function statusOf(def: ResourceDefinition, namespace: string, body: Dict, actor: Actor): Promise<object> {
    const spec = dict(body["spec"]);
    switch (def.resource) {
      case "tokenreviews":
        return tokenReview(spec);
      case "selfsubjectreviews":
        return { userInfo: userInfo(actor) };
      case "selfsubjectaccessreviews":
        return access(actor, attributesOf(def, spec, ""));
      case "subjectaccessreviews":
      case "localsubjectaccessreviews":
        if (text(spec["user"]) === "" && list(spec["groups"]).length === 0) {
          throw invalidObject(def, "", [required("spec.user", "at least one of user or group must be specified")]);
        }
        return access(actorOf(spec), attributesOf(def, spec, def.namespaced ? namespace : ""));
      default:
        return rulesStatus(authorizer.rules(actor, text(at(spec, "namespace"))));
    }
  }

  return {
    async answer(def, namespace, body, actor) {
      const status = await statusOf(def, namespace, body, actor);
      return {
        kind: def.kind,
        apiVersion: `${def.group}/${def.version}`,
        metadata: { name: text(at(body, "metadata", "name")), ...(def.namespaced ? { namespace } : {}) },
        ...(body["spec"] === undefined ? {} : { spec: body["spec"] }),
        status,
      };
    },
  };
}

function rulesStatus(rules: readonly Dict[]): object {
  return {
    resourceRules: rules.filter((rule) => list(rule["resources"]).length > 0),
    nonResourceRules: rules
      .filter((rule) => list(rule["nonResourceURLs"]).length > 0)
      .map((rule) => ({ verbs: rule["verbs"], nonResourceURLs: rule["nonResourceURLs"] })),
    incomplete: false,
  };
}
