import { expect, test } from "bun:test";
import { parseMeshConfig } from "@heddle/config";
import { createSelfSignedRoot } from "@heddle/identity";
import { createTrustBundles, trustBundles, withTrustBundles } from "./trust-bundles.ts";

const root = async (name: string) => (await createSelfSignedRoot(name, Date.now())).caCert.trim();
const [own, east, west, shared] = await Promise.all(["own", "east", "west", "shared"].map(root));

function meshOf(caCertificates: unknown) {
  const text = JSON.stringify({ trustDomain: "own.example", trustDomainAliases: ["old.example"], caCertificates });
  const parsed = parseMeshConfig(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

test("named domains have their own roots only, aliases the own CA's unless they are named, all have the shared ones", () => {
  const mesh = meshOf([
    { pem: west, trustDomains: ["west.example"] },
    { pem: east, trustDomains: ["east.example", "west.example"] },
    { pem: shared },
  ]);
  expect(Object.fromEntries(trustBundles(mesh, `${own}\n`))).toEqual({
    "own.example": `${own}\n${shared}\n`,
    "old.example": `${own}\n${shared}\n`,
    "west.example": `${west}\n${east}\n${shared}\n`,
    "east.example": `${east}\n${shared}\n`,
  });
  const named = trustBundles(meshOf([{ pem: west, trustDomains: ["old.example"] }]), own ?? "");
  expect(named.get("old.example")).toBe(`${west}\n`);
});

test("the secret is made anew when the configuration or the own roots are others, and joins a proxy's Secrets", () => {
  let mesh = meshOf([]);
  let roots = own ?? "";
  const current = createTrustBundles(
    () => mesh,
    () => roots,
  );
  const empty = { version: "7", get: () => undefined, names: () => [] };
  expect(current()).toBeUndefined();
  expect(withTrustBundles(empty, current())).toBe(empty);
  expect(withTrustBundles(undefined, current())).toBeUndefined();
  mesh = meshOf([{ pem: west, trustDomains: ["west.example"] }]);
  const first = current();
  expect(current()).toBe(first);
  roots = `${roots}\n${shared}`;
  expect(current()?.version).not.toBe(first?.version);
  const set = withTrustBundles(empty, current());
  expect(set?.get("trust-bundles")).toBe(current());
  expect(set?.get("kubernetes://web")).toBeUndefined();
  expect(set?.version).not.toBe(withTrustBundles(empty, first)?.version);
});

test("roots that proxies would choke on are refused with field, cause and what to do", () => {
  const reasons = (entry: unknown) => {
    const parsed = parseMeshConfig(JSON.stringify({ caCertificates: [entry] }));
    return parsed.ok ? "" : parsed.problems.map(({ path, reason }) => `${path} ${reason}`).join("; ");
  };
  expect(reasons({ pem: "hello" })).toContain("caCertificates[0].pem holds no PEM certificate");
  expect(reasons({ pem: own?.replace("MII", "MIJ") })).toContain("can't be read");
  expect(reasons({ pem: own, trustDomains: ["spiffe://x"] })).toContain("without spiffe://");
  expect(reasons({ trustDomains: ["x"] })).toContain("caCertificates[0]");
  expect(reasons({ spiffeBundleUrl: "https://x" })).toContain("heddle ca bundle");
});
