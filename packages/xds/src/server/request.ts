import type { DeltaDiscoveryRequest, DiscoveryRequest } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";

/** A request in the terms that both dialects have in common. */
export interface SubscriptionRequest {
  readonly typeUrl: string;
  /** Empty: no answer to a response. */
  readonly nonce: string;
  /** Why the response with this nonce was rejected; undefined acknowledges it. */
  readonly rejection: string | undefined;
  readonly names: SubscribedNames;
}

/** `all`: the names from now on (state of the world). `change`: added and dropped names (delta). */
export type SubscribedNames =
  | { readonly kind: "all"; readonly names: readonly string[] }
  | {
      readonly kind: "change";
      readonly subscribe: readonly string[];
      readonly unsubscribe: readonly string[];
      /** What a reconnecting client still has, name to version. */
      readonly known: Readonly<Record<string, string>>;
    };

export function readSotwRequest(request: DiscoveryRequest): SubscriptionRequest {
  return {
    typeUrl: request.typeUrl,
    nonce: request.responseNonce,
    rejection: request.errorDetail && (request.errorDetail.message || "rejected without a reason"),
    names: { kind: "all", names: request.resourceNames },
  };
}

export function readDeltaRequest(request: DeltaDiscoveryRequest): SubscriptionRequest {
  return {
    typeUrl: request.typeUrl,
    nonce: request.responseNonce,
    rejection: request.errorDetail && (request.errorDetail.message || "rejected without a reason"),
    names: {
      kind: "change",
      subscribe: request.resourceNamesSubscribe,
      unsubscribe: request.resourceNamesUnsubscribe,
      known: request.initialResourceVersions,
    },
  };
}
