export {
  type Authority,
  type AuthorityMaterial,
  type AuthorityProblems,
  certificateLifetimes,
  createAuthority,
  createIntermediate,
  createSelfSignedRoot,
  type IssuedCertificate,
  type IssueOptions,
} from "./authority.ts";
export { type Certificate, readCertificate, readCertificates } from "./certificate.ts";
export { createSigningRequest, readSigningRequest, type SigningRequest } from "./csr.ts";
export { exportPrivateKey, generateKey, keysMatch, type PrivateKey, type PublicKey, readPrivateKey } from "./key.ts";
export type { SubjectAltNames } from "./names.ts";
export { readOtherNames } from "./other-names.ts";
export { matchPeer, type PeerIdentity, type PeerMatcher, peerIdentity } from "./peer.ts";
export { pemBlocks } from "./pem.ts";
export { type RevocationList, readRevocationList } from "./revocation-list.ts";
export { type RotationOptions, renewalDelay } from "./rotation.ts";
export { parseSpiffeId, type SpiffeId, type SpiffeIdParts, workloadId } from "./spiffe-id.ts";
export { createTrustBundle, pathToRoot, type TrustBundle, verifyChain } from "./trust-bundle.ts";
