import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { createSelfSignedRoot } from "@heddle/identity";
import { packAny } from "@heddle/xds-api";
import { CertificateValidationContextSchema, SPIFFECertValidatorConfigSchema } from "./proto.ts";
import { createScope, problemText } from "./scope.ts";
import { decodeValidation } from "./tls-context.ts";

function read(...domains: readonly (readonly [name: string, pem: string])[]) {
  const scope = createScope();
  const typedConfig = packAny(
    SPIFFECertValidatorConfigSchema,
    create(SPIFFECertValidatorConfigSchema, {
      trustDomains: domains.map(([name, pem]) => ({
        name,
        trustBundle: { specifier: { case: "inlineString" as const, value: pem } },
      })),
    }),
  );
  const customValidatorConfig = { name: "envoy.tls.cert_validator.spiffe", typedConfig };
  const context = create(CertificateValidationContextSchema, { customValidatorConfig });
  return { bundles: decodeValidation(context, scope).bundles, problems: problemText(scope.problems) };
}

test("Envoy's SPIFFE validator: a bundle for each trust domain; what is wrong says where", async () => {
  const root = (await createSelfSignedRoot("west", Date.now())).caCert;
  const good = read(["east.example", root], ["west.example", `${root}${root}`]);
  expect(good.problems).toBe("");
  expect([...(good.bundles?.keys() ?? [])]).toEqual(["east.example", "west.example"]);
  expect(read().problems).toContain("trust_domains: at least one is needed");
  expect(read(["a", root], ["a", root]).problems).toContain("trust_domains[1].name: a is there already");
  expect(read(["a", "hello"]).problems).toContain("trust_domains[0].trust_bundle: holds no PEM certificate");
  expect(read(["a", root.replace("MII", "MIJ")]).problems).toContain("trust_domains[0].trust_bundle");
});
