import { X509Certificate } from "node:crypto";
import type { OwnIdentity, PeerIdentity } from "../transport/connection.ts";
import { peerNames } from "../transport/tls-state.ts";

/** The first certificate of a PEM chain, read when it is asked for. Errors: none; what can't be read has no names. */
export function createOwnIdentity(pem: string): OwnIdentity {
  let known: PeerIdentity | undefined;
  return {
    identity: () => {
      known ??= read(pem);
      return known;
    },
  };
}

function read(pem: string): PeerIdentity {
  try {
    const certificate = new X509Certificate(pem);
    return {
      ...peerNames(certificate.subjectAltName ?? ""),
      subject: certificate.subject?.split("\n").reverse().join(",") ?? "",
      certificate: certificate.raw,
    };
  } catch {
    return { uriSans: [], dnsSans: [], subject: "", certificate: undefined };
  }
}
