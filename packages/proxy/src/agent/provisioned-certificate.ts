import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkloadSecret } from "./workload-certificate.ts";

/** Names in the folders `PROV_CERT` and `OUTPUT_CERTS`. Source: Istio pilot-agent. */
const FILES = { chain: "cert-chain.pem", key: "key.pem" } as const;

/** The certificate that somebody put there before the first start, where no API server vouches for tokens; undefined while it is not whole, or no folder was named (""). */
export function readProvisioned(folder: string): Pick<WorkloadSecret, "chain" | "key"> | undefined {
  if (folder === "") return undefined;
  try {
    return {
      chain: readFileSync(join(folder, FILES.chain), "utf8"),
      key: readFileSync(join(folder, FILES.key), "utf8"),
    };
  } catch {
    return undefined;
  }
}

/** Keeps the newest one for the next start: the first one's life is short. Errors: those of the file system. */
export function keepIssued(folder: string, { chain, key }: Pick<WorkloadSecret, "chain" | "key">): void {
  const parts = [
    [FILES.key, key, 0o600],
    [FILES.chain, chain, 0o644],
  ] as const;
  for (const [name, text, mode] of parts) writeFileSync(join(folder, `${name}.new`), text, { mode });
  for (const [name] of parts) renameSync(join(folder, `${name}.new`), join(folder, name));
}
