import { createPublicKey } from "node:crypto";
import { exportPrivateKey, generateKey, workloadId } from "@heddle/identity";
import { readClusterAuthority } from "../ca/ca-files.ts";
import { UsageError } from "../context.ts";

export interface FirstCertificateOrder {
  /** Folder with the CA's files. */
  readonly ca: string;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Units: s. */
  readonly lifeSeconds: number;
}

/** What a workload proves itself with where no API server gives tokens. */
export interface FirstCertificate {
  readonly root: string;
  /** File name → content. */
  readonly files: Readonly<Record<string, string>>;
}

/** Signs with a CA's own files, offline. Errors: UsageError. */
export async function firstCertificate(order: FirstCertificateOrder, nowMs: number): Promise<FirstCertificate> {
  const authority = readClusterAuthority(order.ca, nowMs);
  const id = workloadId(order);
  if (!id.ok) throw new UsageError(id.error);
  const key = await generateKey();
  const { chain } = authority.issue({
    publicKey: createPublicKey(key),
    names: { uris: [id.value] },
    ttlMs: order.lifeSeconds * 1000,
    nowMs,
  });
  const text = (parts: readonly string[]) => `${parts.map((part) => part.trim()).join("\n")}\n`;
  return {
    root: authority.rootPem,
    files: { "cert-chain.pem": text(chain.slice(0, -1)), "key.pem": exportPrivateKey(key) },
  };
}
