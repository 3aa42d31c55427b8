import { expect, test } from "bun:test";
import { createSelfSignedRoot } from "./authority.ts";
import { readCertificate } from "./certificate.ts";
import { der, derInteger, derOid, derSequence, derTime, tags } from "./der.ts";
import { readPrivateKey, signed } from "./key.ts";
import { fromPem, toPem } from "./pem.ts";
import { readRevocationList } from "./revocation-list.ts";

const DAY_MS = 86_400_000;
const FROM_MS = Date.parse("2026-11-22T00:00:00Z");
const root = await createSelfSignedRoot("tests", FROM_MS);
const read = readCertificate(root.caCert);
const key = readPrivateKey(root.caKey);
if (!read.ok || !key.ok) throw new Error("no root to sign with");
const ca = read.value;
const signer = key.value;
const serial = Buffer.from(ca.x509.serialNumber, "hex");

/** Source: RFC 5280 §5.1. */
function list(serials: readonly Uint8Array[], { untilMs = FROM_MS + DAY_MS, critical = false } = {}): string {
  const idp = derSequence(
    derOid("2.5.29.28"),
    der(tags.boolean, Uint8Array.from([0xff])),
    der(tags.octetString, derSequence()),
  );
  const bytes = signed(
    (algorithm) =>
      derSequence(
        derInteger(Uint8Array.from([1])),
        algorithm,
        ca.subject,
        derTime(FROM_MS),
        ...(untilMs === Number.POSITIVE_INFINITY ? [] : [derTime(untilMs)]),
        ...(serials.length === 0
          ? []
          : [derSequence(...serials.map((one) => derSequence(derInteger(one), derTime(FROM_MS))))]),
        ...(critical ? [der(0xa0, derSequence(idp))] : []),
      ),
    signer,
  );
  return toPem("X509 CRL", bytes);
}

test("a list says whom it revokes, since when and until when", () => {
  const found = readRevocationList(list([Uint8Array.from([7]), serial]));
  if (!found.ok) throw new Error(found.error);
  const { fromMs, untilMs, partial, revokes, signedBy } = found.value;
  expect({ fromMs, untilMs, partial }).toEqual({ fromMs: FROM_MS, untilMs: FROM_MS + DAY_MS, partial: false });
  expect([revokes(ca), signedBy(ca)]).toEqual([true, true]);
});

test.each([
  ["nobody, without an end", list([], { untilMs: Number.POSITIVE_INFINITY }), false, false],
  ["somebody else", list([Uint8Array.from([7])]), false, false],
  ["critical extensions", list([serial], { critical: true }), true, true],
])("%s", (_name, pem, revoked, partial) => {
  const found = readRevocationList(pem);
  expect(found.ok && [found.value.revokes(ca), found.value.partial, found.value.signedBy(ca)]).toEqual([
    revoked,
    partial,
    true,
  ]);
});

test("a changed list is not the CA's word, and a broken one is none", () => {
  const bytes = fromPem(list([serial]), "X509 CRL") ?? new Uint8Array();
  for (let i = 0; i < bytes.length; i++) {
    const changed = Uint8Array.from(bytes);
    changed[i] = (changed[i] ?? 0) ^ 0x01;
    const found = readRevocationList(toPem("X509 CRL", changed));
    if (found.ok) expect(found.value.signedBy(ca)).toBe(false);
    expect(readRevocationList(toPem("X509 CRL", bytes.subarray(0, i))).ok).toBe(false);
  }
  expect(readRevocationList(root.caCert).ok).toBe(false);
});
