import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { damaged, seededRandom } from "@heddle/std/damage";
import { createAuthority, createSelfSignedRoot } from "./authority.ts";
import { readCertificate, readCertificates } from "./certificate.ts";
import { createSigningRequest, readSigningRequest } from "./csr.ts";
import { type DerElement, der, derBitString, derInteger, derSequence, derTime, readDer, tags } from "./der.ts";
import { generateKey, signed } from "./key.ts";
import { derName } from "./names.ts";
import { fromPem, pemBlocks, toPem } from "./pem.ts";
import { readRevocationList } from "./revocation-list.ts";
import { parseSpiffeId } from "./spiffe-id.ts";

// Whatever bytes arrive: nothing throws, what is refused says why, what was written is read back.

const nowMs = Date.UTC(2026, 10, 22);
const authority = createAuthority(await createSelfSignedRoot("cluster.local", nowMs), nowMs);
if (!authority.ok) throw new Error("no CA");
const key = await generateKey();
const uris = ["spiffe://cluster.local/ns/a/sa/b"];
const issued = authority.value.issue({ publicKey: createPublicKey(key), names: { uris }, nowMs });
const certificate = issued.chain.join("");
const request = createSigningRequest(key, { uris, dns: ["a.test"] });
const list = toPem(
  "X509 CRL",
  signed(
    (algorithm) =>
      derSequence(
        derInteger(Uint8Array.of(1)),
        algorithm,
        derName("ca"),
        derTime(nowMs),
        derTime(nowMs + 1),
        derSequence(derSequence(derInteger(Uint8Array.of(7)), derTime(nowMs))),
      ),
    key,
  ),
);

test("DER: what is built is read back, whatever its size", () => {
  const random = seededRandom(71);
  const build = (depth: number): { bytes: Uint8Array; size: number } => {
    if (depth === 0 || random() < 0.3) {
      const content = new Uint8Array(Math.floor(random() ** 4 * 70_000)).map(() => Math.floor(random() * 256));
      return { bytes: random() < 0.5 ? der(tags.octetString, content) : derBitString(content), size: 1 };
    }
    const parts = Array.from({ length: Math.floor(random() * 4) }, () => build(depth - 1));
    return {
      bytes: derSequence(...parts.map(({ bytes }) => bytes)),
      size: parts.reduce((sum, { size }) => sum + size, 1),
    };
  };
  const count = (elements: readonly DerElement[] = []): number =>
    elements.reduce((sum, one) => sum + 1 + (one.tag === tags.sequence ? count(readDer(one.content)) : 0), 0);
  for (let round = 0; round < 200; round++) {
    const { bytes, size } = build(4);
    const read = readDer(bytes);
    expect(read?.length).toBe(1);
    expect(count(read)).toBe(size);
    expect(Buffer.from(read?.[0]?.raw ?? []).equals(Buffer.from(bytes))).toBe(true);
    expect(readDer(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
  }
});

test("DER: damaged elements stay within the bytes and cover them", () => {
  const random = seededRandom(72);
  const whole = fromPem(certificate, "CERTIFICATE") ?? new Uint8Array(0);
  let read = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = damaged(whole, random);
    const elements = readDer(bytes);
    if (elements === undefined) continue;
    read++;
    expect(elements.reduce((sum, { raw }) => sum + raw.length, 0)).toBe(bytes.length);
  }
  expect(read).toBeGreaterThan(20);
});

test("PEM: blocks are read back from among anything, and only with their own label", () => {
  const random = seededRandom(73);
  for (let round = 0; round < 200; round++) {
    const bytes = new Uint8Array(1 + Math.floor(random() * 300)).map(() => Math.floor(random() * 256));
    const pem = toPem("SOME THING", bytes);
    const around = damaged(Buffer.from("noise\r\n-----BEGIN OTHER-----\n"), random).toString("latin1");
    expect(Buffer.from(fromPem(`${around}\n${pem}${around}`, "SOME THING") ?? []).equals(Buffer.from(bytes))).toBe(
      true,
    );
    expect(fromPem(pem, "THING")).toBeUndefined();
    expect(pemBlocks(`${pem}${pem}`, "SOME THING")).toEqual([pem, pem]);
  }
  // Begins without end cost no more than their length.
  const begins = "-----BEGIN CERTIFICATE-----\n".repeat(20_000);
  const start = process.cpuUsage();
  expect(pemBlocks(begins, "CERTIFICATE")).toEqual([]);
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000);
});

/** Damages the text, or the bytes within it. */
function variant(pem: string, label: string, random: () => number): string {
  if (random() < 0.3) return damaged(Buffer.from(pem), random).toString("latin1");
  return toPem(label, damaged(fromPem(pem, label) ?? new Uint8Array(0), random));
}

test.each([
  ["CERTIFICATE", certificate, readCertificate],
  ["CERTIFICATE", certificate, readCertificates],
  ["CERTIFICATE REQUEST", request, readSigningRequest],
  ["X509 CRL", list, readRevocationList],
] as const)("%s: damaged ones are refused with a sentence, or taken", (label, pem, read) => {
  expect(read(pem).ok).toBe(true);
  const random = seededRandom(74);
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const result = read(variant(pem, label, random));
    if (result.ok) continue;
    refused++;
    expect(result.error).not.toBe("");
  }
  expect(refused).toBeGreaterThan(300);
});

test("a signing request that was changed anywhere is no other request", () => {
  const random = seededRandom(75);
  const bytes = fromPem(request, "CERTIFICATE REQUEST") ?? new Uint8Array(0);
  for (let round = 0; round < 1000; round++) {
    const changed = Buffer.from(bytes);
    const at = Math.floor(random() * changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    expect(readSigningRequest(toPem("CERTIFICATE REQUEST", changed)).ok).toBe(false);
  }
});

test("SPIFFE ids: damaged ones are refused, or are what they say", () => {
  const random = seededRandom(76);
  let taken = 0;
  for (let round = 0; round < 3000; round++) {
    const text = damaged(Buffer.from(uris[0] ?? ""), random).toString("latin1");
    const read = parseSpiffeId(text);
    if (!read.ok) continue;
    taken++;
    const { trustDomain, namespace, serviceAccount } = read.value;
    expect(text).toBe(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`);
  }
  expect(taken).toBeGreaterThan(20);
});
