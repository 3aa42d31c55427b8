import { splitQuoted } from "../split-quoted.ts";
import type { NativeCertificate, NativeSocket } from "./bun-socket.ts";
import type { PeerIdentity, TlsState } from "./connection.ts";

/** Peers that are remembered: about the number of workloads that one proxy talks to. */
const REMEMBERED_PEERS = 256;
/** More than any real chain has; what a peer sends must not decide about memory. */
const MOST_ISSUERS = 8;

/** Reads what handshakes agreed on and proved. */
export interface HandshakeReader {
  read(socket: NativeSocket): TlsState;
}

/** Parses each peer's certificate once: taking it apart costs ten times what a look at its bytes does. What was verified is not kept here. */
class RememberingReader implements HandshakeReader {
  /** By the certificate's DER as latin1, oldest first. */
  readonly #peers = new Map<string, PeerIdentity>();

  read(socket: NativeSocket): TlsState {
    const alpn = socket.alpnProtocol;
    const sni = socket.getServername();
    return {
      version: socket.getTLSVersion(),
      cipher: socket.getCipher()?.name ?? "",
      alpn: typeof alpn === "string" && alpn !== "" ? alpn : undefined,
      sni: typeof sni === "string" && sni !== "" ? sni : undefined,
      peer: this.#peer(socket),
      reused: socket.isSessionReused(),
    };
  }

  #peer(socket: NativeSocket): PeerIdentity | undefined {
    const raw = socket.getPeerX509Certificate()?.raw;
    if (raw === undefined) return undefined;
    const key = raw.toString("latin1");
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const certificate = socket.getPeerCertificate(false);
    if (certificate === undefined || certificate.raw === undefined) return undefined;
    const peer = readPeer(certificate);
    if (this.#peers.size >= REMEMBERED_PEERS) {
      for (const oldest of this.#peers.keys()) {
        this.#peers.delete(oldest);
        break;
      }
    }
    this.#peers.set(key, peer);
    return peer;
  }
}

export function createHandshakeReader(): HandshakeReader {
  return new RememberingReader();
}

/** The names in a certificate's `subjectaltname`, as the runtime writes it. */
export function peerNames(subjectAltName: string): Pick<PeerIdentity, "uriSans" | "dnsSans"> {
  const uriSans: string[] = [];
  const dnsSans: string[] = [];
  // Values with commas come in double quotes: a certificate must not forge a second name.
  for (const part of splitQuoted(subjectAltName, ",")) {
    const entry = part.trim();
    if (entry.startsWith("URI:")) uriSans.push(unquote(entry.slice(4)));
    else if (entry.startsWith("DNS:")) dnsSans.push(unquote(entry.slice(4)));
  }
  return { uriSans, dnsSans };
}

function readPeer(certificate: NativeCertificate): PeerIdentity {
  return {
    ...peerNames(certificate.subjectaltname ?? ""),
    subject: subjectText(certificate.subject),
    certificate: certificate.raw,
    issuers: issuersOf(certificate),
    untilMs: Date.parse(certificate.valid_to ?? ""),
  };
}

function issuersOf(certificate: NativeCertificate): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let last = certificate;
  for (let next = last.issuerCertificate; next !== undefined && next !== last; next = next.issuerCertificate) {
    if (next.raw !== undefined) found.push(next.raw);
    if (found.length === MOST_ISSUERS) break;
    last = next;
  }
  return found;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}

/** As Envoy prints it: most specific first. Source: RFC 2253. */
function subjectText(subject: NativeCertificate["subject"]): string {
  if (subject === undefined) return "";
  const parts: string[] = [];
  for (const [key, value] of Object.entries(subject)) {
    for (const item of Array.isArray(value) ? value : [value]) parts.push(`${key}=${item}`);
  }
  return parts.reverse().join(",");
}
