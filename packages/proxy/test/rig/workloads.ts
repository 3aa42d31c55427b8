import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";

/** Where one workload's certificate lies. */
export interface WorkloadFiles {
  readonly spiffeId: string;
  readonly chain: string;
  readonly key: string;
  readonly root: string;
}

/** One CA, and a certificate for each service account, as the mesh would issue them. */
export async function issueWorkloads<Name extends string>(
  folder: string,
  accounts: readonly Name[],
): Promise<Readonly<Record<Name, WorkloadFiles>>> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot("cluster.local", nowMs), nowMs);
  if (!authority.ok) throw new Error(`the CA refuses its own material: ${JSON.stringify(authority.error)}`);
  const root = join(folder, "root.pem");
  writeFileSync(root, authority.value.rootPem);
  const issued: Partial<Record<Name, WorkloadFiles>> = {};
  for (const account of accounts) {
    const key = await generateKey();
    const spiffeId = `spiffe://cluster.local/ns/test/sa/${account}`;
    const made = authority.value.issue({ publicKey: createPublicKey(key), names: { uris: [spiffeId] }, nowMs });
    const files = { spiffeId, chain: join(folder, `${account}.pem`), key: join(folder, `${account}.key`), root };
    writeFileSync(files.chain, made.chain.join(""));
    writeFileSync(files.key, exportPrivateKey(key), { mode: 0o600 });
    issued[account] = files;
  }
  return issued as Record<Name, WorkloadFiles>;
}
