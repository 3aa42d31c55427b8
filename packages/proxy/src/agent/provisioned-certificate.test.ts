import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepIssued, readProvisioned } from "./provisioned-certificate.ts";

test("what is kept is found again, and the key is nobody else's", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-prov-"));
  try {
    expect(readProvisioned(folder)).toBeUndefined();
    for (const number of [1, 2]) keepIssued(folder, { chain: `chain ${number}`, key: `key ${number}` });
    expect(readProvisioned(folder)).toEqual({ chain: "chain 2", key: "key 2" });
    expect(readdirSync(folder).sort()).toEqual(["cert-chain.pem", "key.pem"]);
    expect(statSync(join(folder, "key.pem")).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
