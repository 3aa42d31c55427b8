import { readCertificates } from "@heddle/identity";
import { type AnyTable, messageEntry } from "./any-field.ts";
import { decodeDataText } from "./data-source.ts";
import { SPIFFECertValidatorConfig_TrustDomainSchema, SPIFFECertValidatorConfigSchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Who vouches for the identities of each trust domain: PEM of its roots, by the domain's name. */
export type TrustBundles = ReadonlyMap<string, string>;

export const SPIFFE_VALIDATOR_SHAPE = shape(SPIFFECertValidatorConfigSchema, ["trust_domains"]);
export const SPIFFE_TRUST_DOMAIN_SHAPE = shape(SPIFFECertValidatorConfig_TrustDomainSchema, ["name", "trust_bundle"]);

/** What may stand in `custom_validator_config`. Source: Envoy `envoy.tls.cert_validator.spiffe`. */
export const CERTIFICATE_VALIDATORS: AnyTable<TrustBundles> = {
  [SPIFFECertValidatorConfigSchema.typeName]: messageEntry(SPIFFECertValidatorConfigSchema, (message, scope) => {
    checkShape(SPIFFE_VALIDATOR_SHAPE, message, scope);
    if (message.trustDomains.length === 0) scope.field("trust_domains").problem("at least one is needed");
    const bundles = new Map<string, string>();
    message.trustDomains.forEach((domain, i) => {
      const at = scope.field("trust_domains").item(i);
      checkShape(SPIFFE_TRUST_DOMAIN_SHAPE, domain, at);
      if (bundles.has(domain.name)) at.field("name").problem(`${domain.name} is there already`);
      const file = at.field("trust_bundle");
      const pem = domain.trustBundle === undefined ? undefined : decodeDataText(domain.trustBundle, file);
      if (pem === undefined) file.problem("is missing");
      else if (isBundle(pem, file)) bundles.set(domain.name, pem);
    });
    return bundles;
  }),
};

function isBundle(pem: string, scope: DecodeScope): boolean {
  const read = readCertificates(pem);
  if (!read.ok) scope.problem(read.error);
  else if (read.value.length === 0) scope.problem("holds no PEM certificate");
  return read.ok && read.value.length > 0;
}
