import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizationCondition, AuthorizationOperation } from "@heddle/config";
import type { PermissionSchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { cidrRange } from "../address.ts";
import { pathMatcher, valueMatcher } from "./value-matcher.ts";

export type Permission = MessageInitShape<typeof PermissionSchema>;

const anyOf = (rules: readonly Permission[]): Permission =>
  rules.length === 1 && rules[0] !== undefined ? rules[0] : { rule: { case: "orRules", value: { rules: [...rules] } } };
export const allOf = (rules: readonly Permission[]): Permission =>
  rules.length === 0
    ? { rule: { case: "any", value: true } }
    : rules.length === 1 && rules[0] !== undefined
      ? rules[0]
      : { rule: { case: "andRules", value: { rules: [...rules] } } };
const not = (rule: Permission): Permission => ({ rule: { case: "notRule", value: rule } });

function field(
  values: readonly string[],
  others: readonly string[],
  make: (value: string) => Permission,
): Permission[] {
  return [
    ...(values.length === 0 ? [] : [anyOf(values.map(make))]),
    ...(others.length === 0 ? [] : [not(anyOf(others.map(make)))]),
  ];
}

const header =
  (name: string, ignoreCase = false) =>
  (text: string): Permission => ({
    rule: {
      case: "header",
      value: {
        name,
        headerMatchSpecifier:
          text === "*"
            ? { case: "presentMatch", value: true }
            : { case: "stringMatch", value: valueMatcher(text, "", ignoreCase) },
      },
    },
  });
const path = (text: string): Permission => ({
  rule: { case: "urlPath", value: { rule: { case: "path", value: pathMatcher(text) } } },
});
const port = (text: string): Permission => ({ rule: { case: "destinationPort", value: Number(text) } });
const address = (text: string): Permission => ({ rule: { case: "destinationIp", value: cidrRange(text) } });
const sni = (text: string): Permission => ({ rule: { case: "requestedServerName", value: valueMatcher(text) } });

/** @param http False: the parts that only HTTP has are left out. */
export function operationPermission(operation: AuthorizationOperation, http: boolean): Permission {
  return allOf([
    ...(http
      ? [
          ...field(operation.hosts, operation.notHosts, header(":authority", true)),
          ...field(operation.methods, operation.notMethods, header(":method")),
          ...field(operation.paths, operation.notPaths, path),
        ]
      : []),
    ...field(operation.ports, operation.notPorts, port),
  ]);
}

/** A condition on the destination; undefined for others. */
export function conditionPermissions({ key, values, notValues }: AuthorizationCondition): Permission[] | undefined {
  switch (key) {
    case "destination.ip":
      return field(values, notValues, address);
    case "destination.port":
      return field(values, notValues, port);
    case "connection.sni":
      return field(values, notValues, sni);
    default:
      return undefined;
  }
}
