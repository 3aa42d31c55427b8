// Hot path: once per request.
import { createHash } from "node:crypto";
import { HEADER_ID, type HeaderList } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { PeerIdentity } from "../transport/connection.ts";

const XFCC = HEADER_ID["x-forwarded-client-cert"];

/** Sets, keeps or removes x-forwarded-client-cert. Source: Envoy `mutateXfccRequestHeader`. */
export function forwardClientCert(config: HttpManagerConfig, info: ConnectionInfo, headers: HeaderList): void {
  const mode = config.forwardClientCert;
  if (mode === "always-forward-only") return;
  const peer = info.tls?.peer;
  if (mode === "sanitize" || peer === undefined) {
    if (headers.hasId(XFCC)) headers.removeId(XFCC);
    return;
  }
  if (mode === "forward-only") return;
  // The same for all requests of a connection.
  info.clientCertElement ??= buildElement(config, info, peer);
  const element = info.clientCertElement;
  const before = mode === "append-forward" ? headers.getAll("x-forwarded-client-cert") : undefined;
  headers.setId(XFCC, before === undefined ? element : `${before},${element}`);
}

function buildElement(config: HttpManagerConfig, info: ConnectionInfo, peer: PeerIdentity): string {
  const parts: string[] = [];
  const local = info.localUri;
  if (local !== "") parts.push(`By=${local}`);
  if (peer.certificate !== undefined) parts.push(`Hash=${createHash("sha256").update(peer.certificate).digest("hex")}`);
  const details = config.clientCertDetails;
  if (details.cert && peer.certificate !== undefined) parts.push(`Cert="${encodeURIComponent(pem(peer.certificate))}"`);
  if (details.subject) parts.push(`Subject="${peer.subject.replaceAll('"', '\\"')}"`);
  if (details.uri) for (const uri of peer.uriSans.length > 0 ? peer.uriSans : [""]) parts.push(`URI=${uri}`);
  if (details.dns) for (const dns of peer.dnsSans) parts.push(`DNS=${dns}`);
  return parts.join(";");
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
