import { list, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { oneOfBut, string } from "../schema/scalar.ts";
import { type Infer, refine, required, withDefault } from "../schema/schema.ts";
import { cidr } from "./hosts.ts";
import { targetFields, workloadSelector } from "./selector.ts";

/** A field that would need a filter which is not there is refused: ignored, it would let in what it is to keep out, or the reverse. */
const refused = (because: string) => list(refine(string(), () => because));
const noTokens = "needs RequestAuthentication, which is not available; decide by principals, namespaces or headers";

const serviceAccount = refine(string(), (text) =>
  /^[^\s/*]+(\/[^\s/*]+)?$/.test(text)
    ? undefined
    : `"${text}" has to be a service account or namespace/account, without wildcards`,
);

const source = message(
  "Source",
  {
    principals: list(string()),
    notPrincipals: list(string()),
    requestPrincipals: refused(noTokens),
    notRequestPrincipals: refused(noTokens),
    namespaces: list(string()),
    notNamespaces: list(string()),
    serviceAccounts: list(serviceAccount),
    notServiceAccounts: list(serviceAccount),
    ipBlocks: list(cidr),
    notIpBlocks: list(cidr),
    remoteIpBlocks: list(cidr),
    notRemoteIpBlocks: list(cidr),
    trustDomains: list(string()),
    notTrustDomains: list(string()),
  },
  {
    check(value, path, sink) {
      const accounts = value.serviceAccounts.length + value.notServiceAccounts.length > 0;
      const names =
        value.principals.length + value.notPrincipals.length + value.namespaces.length + value.notNamespaces.length;
      if (accounts && names > 0)
        sink.error(`${path}.serviceAccounts`, "can't be combined with principals or namespaces, which say the same");
    },
  },
);

const portText = refine(string(), (text) => {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 && number < 65536
    ? undefined
    : `"${text}" is not a port, such as "8080"`;
});

const operation = message("Operation", {
  hosts: list(string()),
  notHosts: list(string()),
  ports: list(portText),
  notPorts: list(portText),
  methods: list(string()),
  notMethods: list(string()),
  paths: list(string()),
  notPaths: list(string()),
});

/** Keys of `when` that are acted on; `request.headers[name]` takes any name. */
const conditionKeys = [
  "source.ip",
  "remote.ip",
  "source.namespace",
  "source.principal",
  "source.serviceAccount",
  "source.trustDomain",
  "destination.ip",
  "destination.port",
  "connection.sni",
] as const;

const conditionKey = refine(string(), (text) => {
  if (/^request\.headers\[[^\s[\]]+\]$/.test(text) || conditionKeys.some((key) => key === text)) return undefined;
  if (text.startsWith("request.auth.")) return noTokens;
  return `"${text}" is not known; use ${conditionKeys.join(", ")} or request.headers[name]`;
});

const condition = message(
  "Condition",
  { key: required(conditionKey), values: list(string()), notValues: list(string()) },
  {
    check(value, path, sink) {
      if (value.values.length + value.notValues.length === 0) sink.error(path, "needs values or notValues");
      if (!/\.ip$/.test(value.key)) return;
      for (const [name, texts] of Object.entries({ values: value.values, notValues: value.notValues }))
        for (const [index, text] of texts.entries()) cidr.read(text, `${path}.${name}[${index}]`, sink);
    },
  },
);

const rule = message("Rule", {
  from: list(message("From", { source: required(source) })),
  to: list(message("To", { operation: required(operation) })),
  when: list(condition),
});

const spec = message(
  "AuthorizationPolicy",
  {
    selector: workloadSelector,
    ...targetFields,
    rules: list(rule),
    /** Who decides: an entry of MeshConfig's `extensionProviders`. */
    provider: message("ExtensionProvider", { name: required(string()) }),
    action: withDefault(
      oneOfBut(["ALLOW", "DENY", "CUSTOM"], { AUDIT: "there is no audit log; use ALLOW, DENY or CUSTOM" }),
      "ALLOW",
    ),
  },
  {
    exclusive: [["selector", "targetRef", "targetRefs"]],
    check(value, path, sink) {
      if (value.action === "CUSTOM" && value.provider === undefined)
        sink.error(`${path}.provider`, "CUSTOM needs provider.name, an entry of MeshConfig's extensionProviders");
      if (value.action !== "CUSTOM" && value.provider !== undefined)
        sink.error(`${path}.provider`, `has a meaning for action CUSTOM only, not for ${value.action}`);
    },
  },
);

/** Who may call a workload. Source: istio/api security/v1beta1/authorization_policy.proto. */
export const authorizationPolicy: ResourceDefinition<"AuthorizationPolicy", Infer<typeof spec>> = {
  group: "security.istio.io",
  kind: "AuthorizationPolicy",
  plural: "authorizationpolicies",
  shortNames: ["ap"],
  categories: ["istio-io", "security-istio-io"],
  versions: ["v1", "v1beta1"],
  scope: "Namespaced",
  spec,
  columns: [{ name: "Action", type: "string", jsonPath: ".spec.action", description: "The operation to take." }],
};

export type AuthorizationPolicy = Resource<"AuthorizationPolicy", Infer<typeof spec>>;
export type AuthorizationRule = Infer<typeof rule>;
export type AuthorizationSource = Infer<typeof source>;
export type AuthorizationOperation = Infer<typeof operation>;
export type AuthorizationCondition = Infer<typeof condition>;
