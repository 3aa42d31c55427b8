import { type Brand, err, ok, type Result } from "@heddle/std";

/** The name of a workload: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, checked. */
export type SpiffeId = Brand<string, "SpiffeId">;

export interface SpiffeIdParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const trustDomainForm = /^[a-z0-9._-]{1,255}$/;
// Namespace: an RFC 1123 label. ServiceAccount: an RFC 1123 subdomain.
const namespaceForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const accountForm = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Makes the id of a workload.
 * Errors: a sentence that names the part which is wrong.
 * Source: SPIFFE-ID standard §2; Istio `pkg/spiffe`.
 */
export function workloadId(parts: SpiffeIdParts): Result<SpiffeId> {
  const { trustDomain, namespace, serviceAccount } = parts;
  if (!trustDomainForm.test(trustDomain)) {
    return err(`trust domain "${trustDomain}" may only have lower case letters, digits, dots, dashes and underscores`);
  }
  if (!namespaceForm.test(namespace)) return err(`namespace "${namespace}" is not a valid name`);
  if (!accountForm.test(serviceAccount)) return err(`service account "${serviceAccount}" is not a valid name`);
  return ok(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}` as SpiffeId);
}

/** Reads a workload's id. Errors: a sentence that quotes what was given. */
export function parseSpiffeId(text: string): Result<SpiffeIdParts & { readonly id: SpiffeId }> {
  const match = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(text);
  if (match === null) {
    return err(
      `"${text}" is not a workload identity of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>`,
    );
  }
  const parts = { trustDomain: match[1] ?? "", namespace: match[2] ?? "", serviceAccount: match[3] ?? "" };
  const id = workloadId(parts);
  return id.ok ? ok({ ...parts, id: id.value }) : id;
}
