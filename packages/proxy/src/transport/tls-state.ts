import type { NativeCertificate, NativeSocket } from "./bun-socket.ts";
import type { PeerIdentity, TlsState } from "./connection.ts";

/** What the handshake of a socket agreed on and proved. */
export function readTlsState(socket: NativeSocket): TlsState {
  const alpn = socket.alpnProtocol;
  const sni = socket.getServername();
  const certificate = socket.getPeerCertificate(true);
  return {
    version: socket.getTLSVersion(),
    alpn: typeof alpn === "string" && alpn !== "" ? alpn : undefined,
    sni: typeof sni === "string" && sni !== "" ? sni : undefined,
    peer: certificate === undefined || certificate.raw === undefined ? undefined : readPeer(certificate),
  };
}

function readPeer(certificate: NativeCertificate): PeerIdentity {
  const uriSans: string[] = [];
  const dnsSans: string[] = [];
  for (const entry of splitNames(certificate.subjectaltname ?? "")) {
    if (entry.startsWith("URI:")) uriSans.push(unquote(entry.slice(4)));
    else if (entry.startsWith("DNS:")) dnsSans.push(unquote(entry.slice(4)));
  }
  return { uriSans, dnsSans, subject: subjectText(certificate.subject), certificate: certificate.raw };
}

/** Values with commas come in double quotes (a certificate must not forge a second name). */
function splitNames(text: string): string[] {
  return text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((part) => part.trim()) ?? [];
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
