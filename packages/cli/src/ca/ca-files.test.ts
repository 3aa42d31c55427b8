import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readClusterAuthority, writeIntermediate, writeRoot } from "./ca-files.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-ca-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const now = Date.now();
const openssl = (...args: string[]) => {
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
};
const withOpenssl = test.skipIf(spawnSync("openssl", ["version"]).status !== 0);

test("one root, a CA of its own for each cluster; keys are the owner's alone; nothing is replaced unasked", async () => {
  const root = join(folder, "own");
  await writeRoot(root, "Test Root", now, false);
  for (const name of ["cluster1", "cluster2"]) await writeIntermediate(root, join(root, name), name, now, false);
  const [one, two] = ["cluster1", "cluster2"].map((name) => readClusterAuthority(join(root, name), now));
  expect(one?.root.fingerprint).toBe(String(two?.root.fingerprint));
  expect(one?.certificate.fingerprint).not.toBe(String(two?.certificate.fingerprint));
  expect(statSync(join(root, "root-key.pem")).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, "cluster1", "ca-key.pem")).mode & 0o777).toBe(0o600);
  await expect(writeRoot(root, "Test Root", now, false)).rejects.toThrow("is there already; clusters may rely on it");
  // An intermediate can have intermediates.
  await writeIntermediate(join(root, "cluster1"), join(root, "below"), "below", now, false);
  expect(readClusterAuthority(join(root, "below"), now).root.fingerprint).toBe(String(one?.root.fingerprint));
});

withOpenssl("a root and a CA made with openssl, RSA keys", async () => {
  const rsa = ["-newkey", "rsa:2048", "-nodes", "-sha256"];
  openssl(
    "req",
    "-x509",
    ...rsa,
    "-keyout",
    "root-key.pem",
    "-out",
    "root-cert.pem",
    "-days",
    "10",
    "-subj",
    "/O=Istio/CN=Root CA",
  );
  await writeIntermediate(folder, join(folder, "rsa-root"), "cluster1", now + 60_000, false);
  expect(readClusterAuthority(join(folder, "rsa-root"), now + 60_000).root.x509.subject).toContain("Root CA");
  openssl("req", ...rsa, "-keyout", "ca-key.pem", "-out", "ca.csr", "-subj", "/O=Istio/CN=Intermediate CA/L=cluster2");
  writeFileSync(
    join(folder, "ext"),
    "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,digitalSignature,keyCertSign\n",
  );
  openssl(
    "x509",
    "-req",
    "-in",
    "ca.csr",
    "-CA",
    "root-cert.pem",
    "-CAkey",
    "root-key.pem",
    "-CAcreateserial",
    "-days",
    "9",
    "-extfile",
    "ext",
    "-out",
    "ca-cert.pem",
  );
  writeFileSync(join(folder, "cert-chain.pem"), "");
  // openssl dates its certificates by its own clock, in seconds: some of them are later than `now`.
  expect(readClusterAuthority(folder, now + 60_000).certificate.x509.subject).toContain("cluster2");
  expect(() => readClusterAuthority(folder, now + 20 * 86_400_000)).toThrow("ca-cert.pem: expired at");
});

test("what is missing or wrong is named", async () => {
  await expect(writeIntermediate(join(folder, "no"), join(folder, "x"), "x", now, false)).rejects.toThrow(
    "holds no root",
  );
  const root = join(folder, "own2");
  await writeRoot(root, "Test Root", now, false);
  writeFileSync(join(root, "root-key.pem"), "no key");
  await expect(writeIntermediate(root, join(folder, "x"), "x", now, false)).rejects.toThrow(
    "root-key.pem: is not a PEM private key",
  );
});
