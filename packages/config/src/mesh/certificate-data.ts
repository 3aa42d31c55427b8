import { X509Certificate } from "node:crypto";
import { list, message } from "../schema/compound.ts";
import { string } from "../schema/scalar.ts";
import { ignored, refine, unavailable, withDefault } from "../schema/schema.ts";

const trustDomain = refine(string(), (text) =>
  /^[a-z0-9._-]{1,255}$/.test(text)
    ? undefined
    : `"${text}" is no trust domain: lower case letters, digits, dots, dashes and underscores, without spiffe://`,
);

/**
 * More roots that workloads trust (MeshConfig `caCertificates`): for the identities of `trustDomains`, or for all where none is named.
 * Source: istio/api mesh/v1alpha1/config.proto `CertificateData`.
 */
export const certificateData = message(
  "CertificateData",
  {
    pem: refine(string(), certificateProblem),
    spiffeBundleUrl: unavailable(
      string(),
      "bundles are exchanged as PEM; print another mesh's with heddle ca bundle and put it into pem",
    ),
    certSigners: ignored(list(string()), "the control plane signs itself"),
    trustDomains: withDefault(list(trustDomain), []),
  },
  { exactlyOne: [["pem", "spiffeBundleUrl"]] },
);

/** A broken root would make every proxy refuse its configuration. */
function certificateProblem(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return "holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
  for (const [i, block] of blocks.entries()) {
    try {
      if (!new X509Certificate(block).ca)
        return `certificate ${i + 1} is not one of a CA: give the root, not a workload's certificate`;
    } catch {
      return `certificate ${i + 1} can't be read`;
    }
  }
  return undefined;
}
