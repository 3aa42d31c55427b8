import { list, message } from "../schema/compound.ts";
import { boolean, oneOf, string } from "../schema/scalar.ts";
import { type Infer, refine, remarked, required, unavailable, withDefault } from "../schema/schema.ts";
import { noRevocation } from "./traffic-policy.ts";

const protocolVersion = oneOf("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3");

const certificateFiles = message("TLSCertificate", {
  serverCertificate: required(string()),
  privateKey: required(string()),
  caCertificates: string(),
});

const firstOnly =
  "the built-in proxy shows the first certificate to all clients; Envoy chooses by what the client can verify";

/** Base64 or hexadecimal SHA-256, as Envoy takes it. */
const digest = refine(string(), (text) =>
  /^[0-9a-fA-F:]{64,95}$/.test(text) || /^[A-Za-z0-9+/]{43}=$/.test(text)
    ? undefined
    : "is not a SHA-256 digest in hexadecimal or base64",
);

/** How a gateway's or a sidecar's own port does TLS. Source: istio/api networking/v1alpha3/gateway.proto. */
export const serverTls = message(
  "ServerTLSSettings",
  {
    httpsRedirect: withDefault(boolean(), false),
    mode: withDefault(
      oneOf("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"),
      "PASSTHROUGH",
    ),
    serverCertificate: string(),
    privateKey: string(),
    caCertificates: string(),
    caCrl: unavailable(string(), noRevocation),
    credentialName: string(),
    credentialNames: remarked(list(string()), firstOnly),
    caCertCredentialName: string(),
    tlsCertificates: remarked(list(certificateFiles), firstOnly),
    subjectAltNames: list(string()),
    verifyCertificateSpki: list(digest),
    verifyCertificateHash: list(digest),
    minProtocolVersion: protocolVersion,
    maxProtocolVersion: protocolVersion,
    cipherSuites: list(string()),
    insecureSkipVerify: boolean(),
  },
  {
    exclusive: [["credentialName", "credentialNames", "tlsCertificates"]],
    check(value, path, sink) {
      const terminates = value.mode === "SIMPLE" || value.mode === "MUTUAL" || value.mode === "OPTIONAL_MUTUAL";
      if (!terminates) return;
      const secret = value.credentialName !== undefined || value.credentialNames.length > 0;
      const files = value.serverCertificate !== undefined && value.privateKey !== undefined;
      if (!secret && !files && value.tlsCertificates.length === 0)
        sink.error(
          `${path}.credentialName`,
          `mode ${value.mode} needs a certificate: credentialName, or serverCertificate and privateKey`,
        );
      const verifies = value.mode === "MUTUAL" || value.mode === "OPTIONAL_MUTUAL";
      const roots = secret || value.caCertificates !== undefined || value.caCertCredentialName !== undefined;
      if (verifies && !roots)
        sink.error(
          `${path}.caCertificates`,
          `mode ${value.mode} needs the roots that client certificates are checked with`,
        );
      if (value.credentialNames.length > 2 || value.tlsCertificates.length > 2)
        sink.error(path, "at most two certificates per server (one RSA, one ECDSA)");
    },
  },
);

export type ServerTls = Infer<typeof serverTls>;
