import type { Metadata } from "@grpc/grpc-js";
import type { CallCredentials } from "../auth/caller.ts";

/** The parts of a gRPC server call that show who calls. */
export interface AuthenticatedCall {
  readonly metadata: Metadata;
  getPeer(): string;
  /** Shows a certificate only when the TLS library verified it against our roots. */
  getAuthContext(): {
    readonly transportSecurityType?: string | undefined;
    readonly sslPeerCertificate?: { readonly subjectaltname?: string } | undefined;
  };
}

/** @param secure True on the TLS port. */
export function credentialsOf(call: AuthenticatedCall, secure: boolean): CallCredentials {
  const context = call.getAuthContext();
  const [authorization] = call.metadata.get("authorization");
  const [clusterId] = call.metadata.get("clusterid");
  return {
    secure,
    subjectAltName: context.sslPeerCertificate?.subjectaltname,
    authorization: typeof authorization === "string" ? authorization : undefined,
    clusterId: typeof clusterId === "string" ? clusterId : undefined,
    peer: call.getPeer(),
  };
}
