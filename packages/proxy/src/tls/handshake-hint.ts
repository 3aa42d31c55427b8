/** What the TLS library says, in parts, and what it mostly comes from. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    "the client sent no certificate, and this port asks for mutual TLS: is it outside of the mesh, without a sidecar?",
  ],
  [
    /unable to verify the first certificate|unable to get (?:local )?issuer certificate|self.signed certificate/,
    "no root that is trusted here issued it: do both meshes have one root, or each other's in MeshConfig caCertificates?",
  ],
  [/certificate has expired|certificate is not yet valid/, "is it renewed, and do the clocks of both sides agree?"],
  [
    /ALERT_UNKNOWN_CA|ALERT_CERTIFICATE_UNKNOWN|ALERT_BAD_CERTIFICATE/,
    "the peer does not trust the certificate that it was shown: do both meshes have one root, or each other's in MeshConfig caCertificates?",
  ],
];

/** The library's sentence with the likely cause behind it, where one is known. */
export function withHint(reason: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(reason))?.[1];
  return hint === undefined ? reason : `${reason}; ${hint}`;
}
