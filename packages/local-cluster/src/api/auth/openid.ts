import type { ClusterNetworkPlan } from "../../contract/index.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Documents by which others verify service-account tokens. */
export function createOpenIdDocuments(
  tokens: ServiceAccountTokens,
  network: Pick<ClusterNetworkPlan, "nodeIp" | "apiPort">,
): (path: string) => Promise<object | undefined> {
  return async (path) => {
    if (path === "/openid/v1/jwks") return tokens.keys();
    if (path !== "/.well-known/openid-configuration") return undefined;
    return {
      issuer: tokens.issuer,
      jwks_uri: `https://${network.nodeIp}:${network.apiPort}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    };
  };
}
