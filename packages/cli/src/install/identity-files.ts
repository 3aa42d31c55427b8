import { createAuthority } from "@heddle/identity";
import { UsageError } from "../context.ts";
import { readInput } from "./values-file.ts";

/** Files of a CA as Secret `cacerts` holds them. */
export type PluggedAuthority = Readonly<
  Record<"ca-cert.pem" | "ca-key.pem" | "root-cert.pem" | "cert-chain.pem", string>
>;

interface Flags {
  readonly identityTrustAnchorsFile?: string;
  readonly identityIssuerCertificateFile?: string;
  readonly identityIssuerKeyFile?: string;
}

/** What each part is called on the command line. */
const FLAG_OF: Readonly<Record<string, string>> = {
  "ca-cert.pem": "--identity-issuer-certificate-file",
  "cert-chain.pem": "--identity-issuer-certificate-file",
  "ca-key.pem": "--identity-issuer-key-file",
  "root-cert.pem": "--identity-trust-anchors-file",
};

/**
 * linkerd's three identity files as one CA, checked before anything is printed; undefined when none was given.
 * Errors: UsageError naming the flag whose file is wrong.
 */
export function pluggedAuthority(flags: Flags): PluggedAuthority | undefined {
  const {
    identityTrustAnchorsFile: anchors,
    identityIssuerCertificateFile: issuer,
    identityIssuerKeyFile: key,
  } = flags;
  if (anchors === undefined && issuer === undefined && key === undefined) return undefined;
  if (anchors === undefined || issuer === undefined || key === undefined)
    throw new UsageError(
      "a CA of your own needs all of --identity-trust-anchors-file, --identity-issuer-certificate-file and --identity-issuer-key-file",
    );
  const chain = readInput(issuer, "--identity-issuer-certificate-file");
  const files: PluggedAuthority = {
    "ca-cert.pem": /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/.exec(chain)?.[0] ?? chain,
    "ca-key.pem": readInput(key, "--identity-issuer-key-file"),
    "root-cert.pem": readInput(anchors, "--identity-trust-anchors-file"),
    "cert-chain.pem": chain,
  };
  const made = createAuthority(
    {
      caCert: files["ca-cert.pem"],
      caKey: files["ca-key.pem"],
      rootCert: files["root-cert.pem"],
      certChain: files["cert-chain.pem"],
    },
    Date.now(),
  );
  if (made.ok) return files;
  throw new UsageError(made.error.map(({ file, reason }) => `${FLAG_OF[file] ?? file}: ${reason}`).join("\n"));
}
