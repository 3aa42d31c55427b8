import { create } from "@bufbuild/protobuf";
import type { MeshConfig } from "@heddle/config";
import { TRUST_BUNDLES } from "@heddle/translate";
import type { EncodedResource, ResourceSet } from "@heddle/xds";
import { packAny } from "@heddle/xds-api";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import { SPIFFECertValidatorConfigSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config";
import { encodeResource } from "../resources/encode.ts";

type Trust = Pick<MeshConfig, "trustDomain" | "trustDomainAliases" | "caCertificates">;

/** PEM of the roots that vouch for each trust domain. An alias without roots of its own is vouched for by the own CA. */
export function trustBundles(mesh: Trust, ownRoots: string): ReadonlyMap<string, string> {
  const everywhere = mesh.caCertificates.filter(({ trustDomains }) => trustDomains.length === 0);
  const named = mesh.caCertificates.flatMap(({ trustDomains }) => trustDomains);
  const bundles = new Map<string, string>();
  for (const domain of [mesh.trustDomain, ...mesh.trustDomainAliases, ...named]) {
    const own = domain === mesh.trustDomain || !named.includes(domain) ? [ownRoots] : [];
    const given = [...mesh.caCertificates.filter((data) => data.trustDomains.includes(domain)), ...everywhere];
    const texts = [...own, ...given.map(({ pem }) => pem ?? "")].map((text) => text.trim());
    bundles.set(domain, `${[...new Set(texts)].join("\n")}\n`);
  }
  return bundles;
}

/** The bundles as a secret that our proxy and Envoy read; undefined where the own CA is all that the mesh trusts. */
export function trustBundleSecret(mesh: Trust, ownRoots: string): EncodedResource | undefined {
  if (mesh.caCertificates.length === 0) return undefined;
  const trustDomains = [...trustBundles(mesh, ownRoots)].map(([name, pem]) => ({
    name,
    trustBundle: { specifier: { case: "inlineString", value: pem } } as const,
  }));
  const validator = create(SPIFFECertValidatorConfigSchema, { trustDomains });
  const value = {
    customValidatorConfig: {
      name: "envoy.tls.cert_validator.spiffe",
      typedConfig: packAny(SPIFFECertValidatorConfigSchema, validator),
    },
  };
  const secret = create(SecretSchema, { name: TRUST_BUNDLES, type: { case: "validationContext", value } });
  return encodeResource(SecretSchema, TRUST_BUNDLES, secret);
}

/** The secret that is in force; made anew only when what it is made of is another. */
export function createTrustBundles(mesh: () => Trust, ownRoots: () => string): () => EncodedResource | undefined {
  let made: { readonly mesh: Trust; readonly roots: string; readonly secret: EncodedResource | undefined } | undefined;
  return () => {
    const [now, roots] = [mesh(), ownRoots()];
    if (made?.mesh !== now || made.roots !== roots) made = { mesh: now, roots, secret: trustBundleSecret(now, roots) };
    return made.secret;
  };
}

/** Adds the bundles to what a proxy may ask for. */
export function withTrustBundles(
  secrets: ResourceSet | undefined,
  bundles: EncodedResource | undefined,
): ResourceSet | undefined {
  if (bundles === undefined) return secrets;
  return {
    version: `${secrets?.version ?? ""}/${bundles.version}`,
    get: (name) => (name === TRUST_BUNDLES ? bundles : secrets?.get(name)),
    names: () => [...(secrets?.names() ?? [])],
  };
}
