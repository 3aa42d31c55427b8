import { status } from "@grpc/grpc-js";
import { type Authority, certificateLifetimes, readSigningRequest } from "@heddle/identity";
import { err, type Logger, ok, type Result } from "@heddle/std";
import type { Authenticator, CallCredentials } from "../auth/caller.ts";
import type { Telemetry } from "../telemetry.ts";

export interface SigningOrder {
  /** PEM. */
  readonly csr: string;
  /** Units: s. 0: the default. */
  readonly validitySeconds: number;
}

export interface SigningRefusal {
  readonly code: status;
  readonly reason: string;
}

/** Issues certificates to workloads that prove who they are. */
export interface CertificateIssuer {
  issue(order: SigningOrder, call: CallCredentials): Promise<Result<readonly string[], SigningRefusal>>;
}

export interface CertificateIssuerOptions {
  readonly authenticator: Authenticator;
  readonly authority: () => Authority;
  readonly now: () => number;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly defaultTtlMs?: number;
  readonly maxTtlMs?: number;
}

/**
 * The certificate carries the caller's own identity whatever the request asks for; a request for another identity is refused rather
 * than corrected, because it is a mistake or an attack.
 */
export function createCertificateIssuer(options: CertificateIssuerOptions): CertificateIssuer {
  const { telemetry } = options;
  const defaultTtlMs = options.defaultTtlMs ?? certificateLifetimes.defaultMs;
  const maxTtlMs = options.maxTtlMs ?? certificateLifetimes.maxMs;
  const refuse = (
    code: status,
    reason: string,
    call: CallCredentials,
    caller?: string,
  ): Result<never, SigningRefusal> => {
    options.log.warn("certificate refused", { peer: call.peer, caller, code: status[code], reason });
    return err({ code, reason });
  };
  return {
    async issue(order, call) {
      telemetry.csrs.with().value++;
      const found = await options.authenticator.authenticate(call);
      if (!found.ok) {
        telemetry.authenticationFailures.with().value++;
        const code = found.error.kind === "unavailable" ? status.UNAVAILABLE : status.UNAUTHENTICATED;
        return refuse(code, found.error.reason, call);
      }
      const { id } = found.value.identity;
      const request = readSigningRequest(order.csr);
      if (!request.ok) {
        telemetry.csrParseErrors.with().value++;
        return refuse(status.INVALID_ARGUMENT, `the certificate request ${request.error}`, call, id);
      }
      const { uris, dns, ips } = request.value.names;
      const foreign = [...uris, ...dns, ...ips].filter((name) => name !== id);
      if (foreign.length > 0) {
        telemetry.idErrors.with().value++;
        return refuse(
          status.PERMISSION_DENIED,
          `the request asks for ${foreign.join(", ")}, but the caller is ${id}`,
          call,
          id,
        );
      }
      const asked = order.validitySeconds > 0 ? order.validitySeconds * 1000 : defaultTtlMs;
      if (asked > maxTtlMs) {
        telemetry.csrSignErrors.with("TTL_ERROR").value++;
        return refuse(
          status.INVALID_ARGUMENT,
          `a life of ${Math.round(asked / 1000)} s is more than the ${Math.round(maxTtlMs / 1000)} s allowed (MAX_WORKLOAD_CERT_TTL)`,
          call,
          id,
        );
      }
      const issued = options.authority().issue({
        publicKey: request.value.publicKey,
        names: { uris: [id] },
        ttlMs: asked,
        nowMs: options.now(),
      });
      telemetry.issued.with().value++;
      options.log.debug("certificate issued", {
        identity: id,
        by: found.value.by,
        expires: new Date(issued.notAfterMs).toISOString(),
      });
      return ok(issued.chain);
    },
  };
}
