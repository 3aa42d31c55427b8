import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCertificates } from "@heddle/identity";
import { writeIntermediate, writeRoot } from "../ca/ca-files.ts";
import { runCommandLine } from "../program.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-first-"));
const group = join(folder, "group.yaml");
const argv = [
  "experimental",
  "workload",
  "entry",
  "configure",
  "--ca",
  join(folder, "hosts"),
  "-o",
  join(folder, "out"),
];

beforeAll(async () => {
  await writeRoot(folder, "root", Date.now(), false);
  await writeIntermediate(folder, join(folder, "hosts"), "hosts", Date.now(), false);
  writeFileSync(
    group,
    "apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: {name: ledger, namespace: shop}\nspec: {template: {serviceAccount: ledger}}\n",
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("without a cluster a host gets its certificate from the CA's files", async () => {
  expect(await runCommandLine([...argv, "-f", group, "--clusterID", "hosts", "--ingressIP", "192.0.2.5"], {})).toBe(0);
  const file = (name: string) => readFileSync(join(folder, "out", name), "utf8");
  expect(readdirSync(join(folder, "out")).sort()).toEqual([
    "cert-chain.pem",
    "cluster.env",
    "hosts",
    "key.pem",
    "mesh.yaml",
    "root-cert.pem",
  ]);
  expect(file("hosts")).toBe("192.0.2.5 istiod.istio-system.svc\n");
  const chain = readCertificates(file("cert-chain.pem"));
  if (!chain.ok) throw new Error(chain.error);
  const [leaf, issuer] = chain.value;
  if (leaf === undefined || issuer === undefined) throw new Error("the chain is not whole");
  expect(leaf.x509.subjectAltName).toBe("URI:spiffe://cluster.local/ns/shop/sa/ledger");
  expect(leaf.x509.verify(issuer.x509.publicKey)).toBe(true);
});

test.each([
  ["a file", ["--clusterID", "hosts", "--ingressIP", "192.0.2.5"]],
  ["the control plane's name", ["-f", group, "--ingressIP", "192.0.2.5"]],
  ["its address", ["-f", group, "--clusterID", "hosts"]],
  ["an address that is one", ["-f", group, "--clusterID", "hosts", "--ingressIP", "home"]],
  ["a life that is long enough", ["-f", group, "--clusterID", "a", "--ingressIP", "192.0.2.5", "--tokenDuration", "1"]],
  ["no registration", ["-f", group, "--clusterID", "a", "--ingressIP", "192.0.2.5", "--autoregister"]],
])("it takes %s", async (_what, flags) => {
  expect(await runCommandLine([...argv, ...flags], {})).not.toBe(0);
});
