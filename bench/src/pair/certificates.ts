import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Authority, createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";

/** Where one workload's certificate lies; files, because both proxies read those. */
export interface WorkloadFiles {
  readonly spiffeId: string;
  readonly chain: string;
  readonly key: string;
  readonly root: string;
}

const TRUST_DOMAIN = "cluster.local";
export const BENCH_NAMESPACE = "bench";

/** One CA and a certificate for each service account, as the mesh would issue them. */
export async function issueWorkloads(folder: string, accounts: readonly string[]): Promise<Map<string, WorkloadFiles>> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot(TRUST_DOMAIN, nowMs), nowMs);
  if (!authority.ok) throw new Error(`the CA refuses its own material: ${JSON.stringify(authority.error)}`);
  const root = join(folder, "root.pem");
  writeFileSync(root, authority.value.rootPem);
  const issued = new Map<string, WorkloadFiles>();
  for (const account of accounts) issued.set(account, await issue(authority.value, folder, account, root, nowMs));
  return issued;
}

async function issue(
  authority: Authority,
  folder: string,
  account: string,
  root: string,
  nowMs: number,
): Promise<WorkloadFiles> {
  const key = await generateKey();
  const spiffeId = `spiffe://${TRUST_DOMAIN}/ns/${BENCH_NAMESPACE}/sa/${account}`;
  const certificate = authority.issue({ publicKey: createPublicKey(key), names: { uris: [spiffeId] }, nowMs });
  const files = { spiffeId, chain: join(folder, `${account}.pem`), key: join(folder, `${account}.key`), root };
  writeFileSync(files.chain, certificate.chain.join(""));
  writeFileSync(files.key, exportPrivateKey(key), { mode: 0o600 });
  return files;
}
