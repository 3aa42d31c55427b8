import { decodeLocalityRequest, type LocalityRequest } from "./locality-request.ts";
import type { ClientOrigin } from "./networks.ts";

/**
 * What the endpoints of a cluster depend on, apart from the cluster: how they are ordered, and which of them the client can reach itself.
 * It travels as the last part of the cluster's EDS name, so that clients of one place share what is made for them.
 */
export interface EndpointRequest {
  readonly order: LocalityRequest | undefined;
  /** Undefined in a mesh of one cluster and one network. */
  readonly from: ClientOrigin | undefined;
}

/** Undefined when neither part is asked for: then the name has no last part. */
export function encodeEndpointRequest({ order, from }: EndpointRequest): string | undefined {
  if (order === undefined && from === undefined) return undefined;
  return Buffer.from(JSON.stringify({ ...order, ...(from === undefined ? {} : { from }) })).toString("base64url");
}

/** Reads what {@link encodeEndpointRequest} wrote; undefined for anything else, because names come from clients. */
export function decodeEndpointRequest(text: string): EndpointRequest | undefined {
  const order = decodeLocalityRequest(text);
  let from: Partial<ClientOrigin> | undefined;
  try {
    from = (JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as { from?: Partial<ClientOrigin> }).from;
  } catch {
    return undefined;
  }
  if (from === undefined) return order === undefined ? undefined : { order, from: undefined };
  const { cluster, network, own } = from;
  if (typeof cluster !== "string" || typeof network !== "string") return undefined;
  return { order, from: { cluster, network, ...(own === true ? { own } : {}) } };
}
