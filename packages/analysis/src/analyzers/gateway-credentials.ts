import { X509Certificate } from "node:crypto";
import { type KubeObject, readString } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { fields } from "../pod-template.ts";

/** Secrets that servers name exist beside the gateway's pods and hold a certificate that is valid. */
export const gatewayCredentials: Analyzer = {
  name: "gateway.Secret",
  about: "the Secret of a Gateway's server is in the namespace of the gateway's pods and holds a valid certificate",
  codes: ["IST0101", "IST0161"],
  analyze: (input) =>
    [...input.state.objects.gateways.values()].flatMap(({ ref, spec }) => {
      const pods = input.selected(undefined, spec.selector);
      const namespaces = [...new Set(pods.length > 0 ? pods.map((pod) => pod.namespace) : [ref.namespace])];
      return spec.servers.flatMap(({ tls }, index) => {
        const names = [
          ...(tls?.credentialName === undefined ? [] : [tls.credentialName]),
          ...(tls?.credentialNames ?? []),
        ];
        return names.flatMap((name) => {
          const path = `spec.servers[${index}].tls.credentialName`;
          return namespaces.flatMap((namespace) => {
            const secret = input.find({
              group: "",
              kind: "Secret",
              namespace,
              name: name.replace(/^kubernetes:\/\//, ""),
            });
            if (secret === undefined)
              return [
                finding(
                  "IST0101",
                  ref,
                  path,
                  `Referenced credentialName not found: "${name}"; create the Secret in namespace ${namespace}, where the gateway's pods run`,
                ),
              ];
            const reason = invalid(secret, input);
            return reason === undefined
              ? []
              : [
                  finding(
                    "IST0161",
                    ref,
                    path,
                    `The credential referenced by the Gateway is invalid: Secret ${namespace}/${name} ${reason}`,
                  ),
                ];
          });
        });
      });
    }),
};

function invalid(secret: KubeObject, { options }: AnalysisInput): string | undefined {
  const data = fields(secret["data"]);
  const pem = decode(data["tls.crt"]) || decode(data["cert"]);
  const key = decode(data["tls.key"]) || decode(data["key"]);
  if (pem === "" || key === "") return "has no tls.crt and tls.key; create it with kubectl create secret tls";
  try {
    const certificate = new X509Certificate(pem);
    const { now } = options;
    if (now === undefined) return undefined;
    if (Date.parse(certificate.validTo) < now) return `expired on ${certificate.validTo}; renew the certificate`;
    if (Date.parse(certificate.validFrom) > now)
      return `is valid only from ${certificate.validFrom}; look at the clocks`;
    return undefined;
  } catch {
    return "holds no readable certificate in tls.crt; it has to be PEM, the leaf first";
  }
}

function decode(value: unknown): string {
  return readString(value) === "" ? "" : Buffer.from(readString(value), "base64").toString("utf8");
}
