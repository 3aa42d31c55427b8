import { expect, test } from "bun:test";
import { der, derOid, derSequence, tags } from "./der.ts";
import { readOtherNames } from "./other-names.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const otherName = (...value: readonly Uint8Array[]) => der(0xa0, derOid("1.2.3.4"), der(0xa0, ...value));

/** As much of a certificate as its names need. */
function certificate(...names: readonly Uint8Array[]): Uint8Array {
  const extension = derSequence(derOid("2.5.29.17"), der(tags.octetString, derSequence(...names)));
  return derSequence(derSequence(der(0xa3, derSequence(extension))));
}

test("other names in their order, names of other kinds left out", () => {
  const names = [der(0x82, utf8("a.test")), otherName(der(tags.utf8, utf8("ü"))), otherName(der(0x16, utf8("b")))];
  expect(readOtherNames(certificate(...names))).toEqual(["ü", "b"]);
});

test.each([
  ["a boolean", der(tags.boolean, Uint8Array.of(0xff)), "true"],
  ["a negative number", der(tags.integer, Uint8Array.of(0xff, 0x7f)), "-129"],
  ["a number over 64 bits", der(tags.integer, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0)), "18446744073709551616"],
  ["an enumerated value", der(0x0a, Uint8Array.of(7)), "7"],
  ["no number", der(tags.integer), "0"],
  ["an object identifier", derOid("2.5.4.3"), "2.5.4.3"],
  ["an object identifier below 2.100", der(tags.oid, Uint8Array.of(0x81, 0x34, 3)), "2.100.3"],
  [
    "the largest number",
    der(tags.oid, Uint8Array.of(0x2a, 0x81, ...new Array<number>(8).fill(0xff), 0x7f)),
    "1.2.18446744073709551615",
  ],
  [
    "a number over 64 bits in an identifier",
    der(tags.oid, Uint8Array.of(0x2a, 0x82, ...new Array<number>(8).fill(0x80), 0)),
    "",
  ],
  ["bits", der(tags.bitString, Uint8Array.of(0), utf8("bits")), "bits"],
  ["characters of two bytes", der(0x1e, Uint8Array.of(0, 0x77, 0, 0xf6, 0, 0, 0, 0x78)), "wö"],
  ["characters of four bytes", der(0x1c, Uint8Array.of(0, 0, 0, 0x77, 0, 1, 0xf6, 0)), "w😀"],
  ["characters beyond Unicode", der(0x1c, Uint8Array.of(0xff, 0, 0, 0)), ""],
  ["digits, which have no text", der(0x12, utf8("12")), ""],
  ["nothing", der(5), ""],
  ["a sequence, with its head", derSequence(der(0x0c, utf8("x"))), "0\u0003\u000c\u0001x"],
])("%s", (_kind, value, wanted) => {
  expect(readOtherNames(certificate(otherName(value)))).toEqual([wanted]);
});

test("a name without a value is empty", () => {
  expect(readOtherNames(certificate(der(0xa0, derOid("1.2.3"))))).toEqual([""]);
});

test("what is no certificate has none", () => {
  const whole = certificate(otherName(der(tags.utf8, utf8("name"))));
  for (let end = 0; end < whole.length; end++) expect(readOtherNames(whole.subarray(0, end))).toEqual([]);
});
