import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Authorization, ExternalAuthorizer, MeshSettings } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import { ApiVersion } from "@heddle/xds-api/envoy/config/core/v3/config_source";
import { RBAC_Action, type RBACSchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { type ExtAuthz, ExtAuthzSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { RBACSchema as RbacFilterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { MetadataMatcherSchema } from "@heddle/xds-api/envoy/type/matcher/v3/metadata";
import type { ListStringMatcherSchema } from "@heddle/xds-api/envoy/type/matcher/v3/string";
import { protoDuration } from "../proto-duration.ts";
import { policyOf } from "./rule-policy.ts";

type Rbac = MessageInitShape<typeof RBACSchema>;
type Service = NonNullable<MessageInitShape<typeof ExtAuthzSchema>["services"]>;
type Matchers = MessageInitShape<typeof ListStringMatcherSchema>;

/** How requests that CUSTOM policies select are decided. */
export interface CustomAccess {
  /** Marks them; nothing is denied by it. Undefined: nobody is asked. */
  readonly marks: Rbac | undefined;
  readonly authorizer: Exclude<ExternalAuthorizer, { kind: "unusable" }> | undefined;
  /** Those that nobody can be asked about. */
  readonly deny: Rbac | undefined;
}

/** Names of the rules that mark a request. Source: istio pilot/pkg/security/authz/builder. */
const MARK = "istio-ext-authz-";
const SHADOW = "istio_ext_authz_";

/**
 * What CUSTOM policies come to. Two providers for one workload can't both decide, as in Istio: then neither is asked, and what the
 * policies select is denied. Bytes that are not read as HTTP can't be shown to anybody, so `http` false denies, too.
 */
export function customAccess(policies: readonly Authorization[], settings: MeshSettings, http: boolean): CustomAccess {
  const found = policies.flatMap(({ source, rules, authorizer }) =>
    authorizer === undefined ? [] : [{ source, rules, authorizer }],
  );
  const providers = new Set(found.map(({ authorizer }) => authorizer.provider));
  const [first] = found;
  const authorizer =
    http && providers.size === 1 && first?.authorizer.kind !== "unusable" ? first?.authorizer : undefined;
  const rules = found.flatMap(({ source, rules: own }) =>
    own.flatMap((rule, index) => {
      // Like ALLOW, a rule about HTTP selects nothing where there is none.
      const policy = policyOf(rule, "ALLOW", { settings, namespace: source.namespace }, http);
      const name = `ns[${source.namespace}]-policy[${source.name}]-rule[${index}]`;
      return policy === undefined ? [] : [[authorizer === undefined ? name : `${MARK}${name}`, policy] as const];
    }),
  );
  const all: Rbac | undefined =
    rules.length === 0 ? undefined : { action: RBAC_Action.DENY, policies: Object.fromEntries(rules) };
  return authorizer === undefined
    ? { marks: undefined, authorizer, deny: all }
    : { marks: all, authorizer, deny: undefined };
}

/** Marks what the authorizer is to be asked about. */
export function markFilter({ marks }: CustomAccess): Any {
  return packAny(
    RbacFilterSchema,
    create(RbacFilterSchema, { ...(marks === undefined ? {} : { shadowRules: marks }), shadowRulesStatPrefix: SHADOW }),
  );
}

/** Asks about what was marked. */
export function authorizerFilter({ authorizer }: CustomAccess): Any {
  return packAny(ExtAuthzSchema, authorizer === undefined ? create(ExtAuthzSchema) : extAuthz(authorizer));
}

/** Istio's default: as good as none. Units: ms. */
const NO_TIMEOUT = 600_000;

function extAuthz(authorizer: NonNullable<CustomAccess["authorizer"]>): ExtAuthz {
  const { failOpen, clearRouteCache, statusOnError, includeRequestBodyInCheck: body } = authorizer.settings;
  return create(ExtAuthzSchema, {
    statPrefix: authorizer.provider,
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: failOpen,
    clearRouteCache,
    ...(statusOnError === undefined ? {} : { statusOnError: { code: Number(statusOnError) } }),
    ...(body === undefined
      ? {}
      : {
          withRequestBody: {
            maxRequestBytes: body.maxRequestBytes,
            allowPartialMessage: body.allowPartialMessage,
            packAsBytes: body.packAsBytes,
          },
        }),
    filterEnabledMetadata: create(MetadataMatcherSchema, {
      filter: "envoy.filters.http.rbac",
      path: [{ segment: { case: "key", value: `${SHADOW}shadow_effective_policy_id` } }],
      value: {
        matchPattern: { case: "stringMatch", value: { matchPattern: { case: "prefix", value: MARK } } },
      },
    }),
    ...(authorizer.kind === "http" ? headersToCheck(authorizer.settings) : {}),
    services: serviceOf(authorizer),
  });
}

function serviceOf(authorizer: NonNullable<CustomAccess["authorizer"]>): Service {
  const { cluster, authority } = authorizer;
  const timeout = protoDuration(authorizer.settings.timeout ?? NO_TIMEOUT);
  if (authorizer.kind === "grpc") {
    const targetSpecifier = { case: "envoyGrpc", value: { clusterName: cluster, authority } } as const;
    return { case: "grpcService", value: { timeout, targetSpecifier } };
  }
  const { settings } = authorizer;
  const headersToAdd = Object.entries(settings.includeAdditionalHeadersInCheck);
  return {
    case: "httpService",
    value: {
      serverUri: { uri: `http://${authority}`, timeout, httpUpstreamType: { case: "cluster", value: cluster } },
      pathPrefix: settings.pathPrefix ?? "",
      authorizationRequest: { headersToAdd: headersToAdd.map(([key, value]) => ({ key, value })) },
      authorizationResponse: {
        ...some("allowedUpstreamHeaders", settings.headersToUpstreamOnAllow),
        ...some("allowedClientHeaders", settings.headersToDownstreamOnDeny),
        ...some("allowedClientHeadersOnSuccess", settings.headersToDownstreamOnAllow),
      },
    },
  };
}

function headersToCheck(settings: Extract<ExternalAuthorizer, { kind: "http" }>["settings"]) {
  const names = [...settings.includeRequestHeadersInCheck, ...settings.includeHeadersInCheck];
  return some("allowedHeaders", names);
}

function some<Key extends string>(key: Key, names: readonly string[]): { readonly [K in Key]?: Matchers } {
  const entry = { [key]: { patterns: names.map(pattern) } } as { readonly [K in Key]: Matchers };
  return names.length === 0 ? {} : entry;
}

/** `name`, `prefix*` or `*suffix`. */
function pattern(text: string) {
  const matchPattern = text.endsWith("*")
    ? ({ case: "prefix", value: text.slice(0, -1) } as const)
    : text.startsWith("*")
      ? ({ case: "suffix", value: text.slice(1) } as const)
      : ({ case: "exact", value: text } as const);
  return { matchPattern, ignoreCase: true };
}
