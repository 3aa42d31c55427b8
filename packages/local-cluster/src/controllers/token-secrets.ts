import { at, text } from "../api/json/json-value.ts";
import type { KubeObject, ResourceId } from "../contract/index.ts";
import { NOTHING_TO_DO } from "./action.ts";
import { type Controller, type ControllerDeps, createController, itself } from "./controller.ts";
import { splitKey } from "./object-cache.ts";
import { SECRETS, SERVICE_ACCOUNTS } from "./resource-ids.ts";

const TYPE = "kubernetes.io/service-account-token";
const ACCOUNT = "kubernetes.io/service-account.name";
const ACCOUNT_UID = "kubernetes.io/service-account.uid";
const TOKEN_REQUESTS: ResourceId = { group: "", version: "v1", resource: "serviceaccounts/token" };
/** Kubernetes' have no end; this is as near as TokenRequest comes. Units: s. */
const TEN_YEARS = 315_360_000;

/** Fills Secrets of type `kubernetes.io/service-account-token` with a token of the account, bound to the Secret. */
export function createTokenSecretsController(deps: ControllerDeps, clusterCa: string): Controller {
  const secrets = deps.cache(SECRETS);
  const accounts = deps.cache(SERVICE_ACCOUNTS);
  const accountOf = (secret: KubeObject) => text(at(secret, "metadata", "annotations", ACCOUNT));
  return createController(deps, {
    name: "tokens-controller",
    triggers: [
      { cache: secrets, keys: (change) => (change.object["type"] === TYPE ? itself(change) : []) },
      {
        cache: accounts,
        keys: ({ object }) =>
          secrets
            .list(object.metadata.namespace)
            .filter((secret) => secret["type"] === TYPE && accountOf(secret) === object.metadata.name)
            .map((secret) => `${secret.metadata.namespace ?? ""}/${secret.metadata.name}`),
      },
    ],
    async plan(key) {
      const { namespace = "", name } = splitKey(key);
      const secret = secrets.get(namespace, name);
      if (secret === undefined || at(secret, "data", "token") !== undefined) return NOTHING_TO_DO;
      const account = accounts.get(namespace, accountOf(secret));
      if (account === undefined) return NOTHING_TO_DO;
      const answer = await deps.api.create(TOKEN_REQUESTS, {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: { name: account.metadata.name, namespace },
        spec: {
          expirationSeconds: TEN_YEARS,
          boundObjectRef: { apiVersion: "v1", kind: "Secret", name, uid: secret.metadata.uid },
        },
      });
      const base64 = (value: string) => Buffer.from(value).toString("base64");
      const patch = {
        metadata: { annotations: { [ACCOUNT_UID]: account.metadata.uid } },
        data: {
          token: base64(text(at(answer, "status", "token"))),
          "ca.crt": base64(clusterCa),
          namespace: base64(namespace),
        },
      };
      return { actions: [{ kind: "patch", resource: SECRETS, object: secret, patch }] };
    },
  });
}
