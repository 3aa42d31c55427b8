import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import {
  createAuthority,
  createIntermediate,
  createSelfSignedRoot,
  generateKey,
  readCertificate,
} from "@heddle/identity";
import type { PeerIdentity } from "../transport/connection.ts";
import { createBundleCheck } from "./bundle-check.ts";

const nowMs = Date.now();
const der = (pem: string) => {
  const read = readCertificate(pem);
  if (!read.ok) throw new Error(read.error);
  return read.value.x509.raw;
};

/** A CA below a root of its own, and a peer of it with any name. */
async function domain(name: string) {
  const root = await createSelfSignedRoot(name, nowMs);
  const material = await createIntermediate(root, `${name} CA`, nowMs);
  const authority = createAuthority(material, nowMs);
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const peer = async (...uris: string[]): Promise<PeerIdentity> => {
    const key = await generateKey();
    const { chain } = authority.value.issue({ publicKey: createPublicKey(key), names: { uris }, ttlMs: 60_000, nowMs });
    const [leaf, ...issuers] = chain.map(der);
    return { uriSans: uris, dnsSans: [], subject: "", certificate: leaf, issuers };
  };
  return { root: root.caCert, peer };
}

test("each trust domain's roots vouch for its own identities only", async () => {
  const [east, west, north] = await Promise.all(["east", "west", "north"].map(domain));
  if (east === undefined || west === undefined || north === undefined) throw new Error("three domains");
  const check = createBundleCheck(
    new Map([
      ["east.example", east.root],
      ["west.example", `${west.root}\n${north.root}`],
    ]),
  );
  const [inEast, inWest] = ["spiffe://east.example/ns/a/sa/b", "spiffe://west.example/ns/a/sa/b"];
  expect(check.refuse(await east.peer(inEast))).toBeUndefined();
  expect(check.refuse(await west.peer(inWest))).toBeUndefined();
  // Roots may be exchanged one after the other.
  expect(check.refuse(await north.peer(inWest))).toBeUndefined();
  const forged = await west.peer(inEast);
  const sentence = "the trust bundle of east.example does not vouch for spiffe://east.example/ns/a/sa/b";
  expect(check.refuse(forged)).toContain(sentence);
  expect(check.refuse(forged)).toContain(sentence);
  expect(check.refuse(await north.peer(inEast))).toContain(sentence);
  // A CA of the right domain beside the chain does not help.
  const own = await east.peer(inEast);
  expect(check.refuse({ ...forged, issuers: [...(forged.issuers ?? []), ...(own.issuers ?? [])] })).toContain(sentence);
  expect(check.refuse(await north.peer("spiffe://north.example/ns/a/sa/b"))).toContain(
    "no trust bundle of north.example",
  );
  expect(check.refuse(await east.peer(inEast, inWest))).toContain("exactly one SPIFFE id");
  expect(check.refuse({ ...own, certificate: undefined, issuers: [] })).toContain(sentence);
});
