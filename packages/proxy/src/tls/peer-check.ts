import { X509Certificate } from "node:crypto";
import { type Certificate, readCertificate } from "@heddle/identity";
import type { PeerIdentity } from "../transport/connection.ts";

/** Something that a peer's certificate has to pass after the TLS library found a way to a root. */
export interface PeerCheck {
  /** What is wrong, or undefined. */
  refuse(peer: PeerIdentity): string | undefined;
}

/** What a peer showed, its own certificate first. */
export function chainOf(peer: PeerIdentity): readonly Certificate[] {
  return [peer.certificate, ...(peer.issuers ?? [])].flatMap((der) => {
    const read = der === undefined ? undefined : readCertificate(new X509Certificate(der).toString());
    return read?.ok === true ? [read.value] : [];
  });
}
