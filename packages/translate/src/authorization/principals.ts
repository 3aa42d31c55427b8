import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizationCondition, AuthorizationSource } from "@heddle/config";
import type { MeshSettings } from "@heddle/model";
import { literalRegex } from "@heddle/std";
import type { PrincipalSchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { cidrRange } from "../address.ts";
import { type Matcher, valueMatcher } from "./value-matcher.ts";

export type Principal = MessageInitShape<typeof PrincipalSchema>;

export interface PrincipalContext {
  readonly settings: MeshSettings;
  /** The policy's, for service accounts without one. */
  readonly namespace: string;
}

const named = (matcher: Matcher): Principal => ({
  identifier: { case: "authenticated", value: { principalName: matcher } },
});
const anyOf = (ids: readonly Principal[]): Principal =>
  ids.length === 1 && ids[0] !== undefined ? ids[0] : { identifier: { case: "orIds", value: { ids: [...ids] } } };
export const allOf = (ids: readonly Principal[]): Principal =>
  ids.length === 0
    ? { identifier: { case: "any", value: true } }
    : ids.length === 1 && ids[0] !== undefined
      ? ids[0]
      : { identifier: { case: "andIds", value: { ids: [...ids] } } };
const not = (id: Principal): Principal => ({ identifier: { case: "notId", value: id } });

/** One field and its negation: any of the values, none of the others. */
function field<T>(values: readonly T[], others: readonly T[], make: (value: T) => Principal): Principal[] {
  return [
    ...(values.length === 0 ? [] : [anyOf(values.map(make))]),
    ...(others.length === 0 ? [] : [not(anyOf(others.map(make)))]),
  ];
}

const byRegex = (regex: string): Principal => named({ matchPattern: { case: "safeRegex", value: { regex } } });
const loose = (text: string): string => text.split("*").map(literalRegex).join(".*");

/** A name such as `cluster.local/ns/shop/sa/web`; names of the own mesh hold under its other trust domains, too. */
function principal({ settings }: PrincipalContext): (text: string) => Principal {
  const own = [settings.trustDomain, ...settings.mesh.trustDomainAliases];
  return (text) => {
    const slash = text.indexOf("/");
    const domain = text.slice(0, slash);
    if (slash < 0 || text.startsWith("*") || ![...own, "cluster.local"].includes(domain))
      return named(valueMatcher(text, "spiffe://"));
    return anyOf(own.map((one) => named(valueMatcher(one + text.slice(slash), "spiffe://"))));
  };
}

function account({ namespace }: PrincipalContext): (text: string) => Principal {
  return (text) => {
    const [owner, name] = text.includes("/") ? text.split("/") : [namespace, text];
    return byRegex(`spiffe://[^/]+/ns/${literalRegex(owner ?? "")}/sa/${literalRegex(name ?? "")}`);
  };
}

const inNamespace = (text: string): Principal => byRegex(`.*/ns/${loose(text)}/.*`);
const ofDomain = (text: string): Principal => byRegex(`spiffe://${loose(text)}/.*`);
const from = (text: string): Principal => ({ identifier: { case: "directRemoteIp", value: cidrRange(text) } });
const remote = (text: string): Principal => ({ identifier: { case: "remoteIp", value: cidrRange(text) } });

export function sourcePrincipal(source: AuthorizationSource, context: PrincipalContext): Principal {
  return allOf([
    ...field(source.principals, source.notPrincipals, principal(context)),
    ...field(source.namespaces, source.notNamespaces, inNamespace),
    ...field(source.serviceAccounts, source.notServiceAccounts, account(context)),
    ...field(source.trustDomains, source.notTrustDomains, ofDomain),
    ...field(source.ipBlocks, source.notIpBlocks, from),
    ...field(source.remoteIpBlocks, source.notRemoteIpBlocks, remote),
  ]);
}

/** A condition on the caller or on headers; undefined for one on the destination. */
export function conditionPrincipals(
  { key, values, notValues }: AuthorizationCondition,
  context: PrincipalContext,
): Principal[] | undefined {
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  if (header !== undefined) {
    return field(values, notValues, (text) => ({
      identifier: {
        case: "header",
        value: {
          name: header.toLowerCase(),
          headerMatchSpecifier:
            text === "*" ? { case: "presentMatch", value: true } : { case: "stringMatch", value: valueMatcher(text) },
        },
      },
    }));
  }
  switch (key) {
    case "source.ip":
      return field(values, notValues, from);
    case "remote.ip":
      return field(values, notValues, remote);
    case "source.namespace":
      return field(values, notValues, inNamespace);
    case "source.principal":
      return field(values, notValues, principal(context));
    case "source.serviceAccount":
      return field(values, notValues, account(context));
    case "source.trustDomain":
      return field(values, notValues, ofDomain);
    default:
      return undefined;
  }
}
