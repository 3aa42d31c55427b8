import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AuthorityMaterial, createSelfSignedRoot } from "@heddle/identity";
import { type AuthorityStore, authorityOf, fixedAuthority } from "./authority-store.ts";

/**
 * The CA of a folder, for runs without a cluster; a self-signed one is made where there is none (and kept when the folder can be written).
 * Errors: `AuthorityError`.
 */
export async function openFileAuthority(dir: string, trustDomain: string, nowMs: number): Promise<AuthorityStore> {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(dir, name), "utf8");
    } catch {
      return undefined;
    }
  };
  const caCert = read("ca-cert.pem");
  if (caCert !== undefined) {
    const rootCert = read("root-cert.pem");
    const certChain = read("cert-chain.pem");
    const material: AuthorityMaterial = {
      caCert,
      caKey: read("ca-key.pem") ?? "",
      ...(rootCert !== undefined && { rootCert }),
      ...(certChain !== undefined && { certChain }),
    };
    return fixedAuthority(authorityOf(material, dir, nowMs), dir);
  }
  const material = await createSelfSignedRoot(trustDomain, nowMs);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "ca-key.pem"), material.caKey, { mode: 0o600 });
    writeFileSync(join(dir, "ca-cert.pem"), material.caCert);
    writeFileSync(join(dir, "root-cert.pem"), material.caCert);
    return fixedAuthority(authorityOf(material, dir, nowMs), dir);
  } catch {
    return fixedAuthority(authorityOf(material, "memory", nowMs), "memory (lost at the end)");
  }
}
