import { createPublicKey } from "node:crypto";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";

/** A certificate of another CA than the mesh's, for an application's own TLS and for intruders. */
export async function foreignCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot("elsewhere", nowMs), nowMs);
  if (!authority.ok) throw new Error(`the CA refuses its own material: ${JSON.stringify(authority.error)}`);
  const key = await generateKey();
  const names = { uris: ["spiffe://cluster.local/ns/test/sa/client"] };
  const made = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs });
  return { cert: made.chain[0] ?? "", key: exportPrivateKey(key) };
}
