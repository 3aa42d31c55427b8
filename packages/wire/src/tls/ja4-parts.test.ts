import { expect, test } from "bun:test";
import { ja4Parts } from "./ja4-parts.ts";

const u16 = (...values: readonly number[]) => values.flatMap((value) => [value >> 8, value & 255]);
const extension = (kind: number, content: readonly number[]) => [...u16(kind, content.length), ...content];
const alpn = (...first: readonly number[]) => extension(16, [...u16(first.length + 1), first.length, ...first]);

/** A ClientHello of TLS 1.2 in one record. */
function hello(ciphers: readonly number[], extensions: readonly (readonly number[])[]): Uint8Array {
  const all = extensions.flat();
  const list = u16(...ciphers);
  const body = [...u16(0x0303), ...new Array<number>(32).fill(7), 0, ...u16(list.length), ...list, 1, 0];
  body.push(...u16(all.length), ...all);
  return Uint8Array.from([22, 3, 1, ...u16(body.length + 4), 1, 0, ...u16(body.length), ...body]);
}

test("versions, counts and sorted lists without reserved values; signatures in their order", () => {
  const extensions = [
    extension(0x1a1a, []),
    extension(43, [6, ...u16(0x2a2a, 0x0303, 0x0304)]),
    extension(0, [...u16(7), 0, ...u16(4), 97, 98, 99, 100]),
    alpn(104, 50),
    extension(13, [...u16(4), ...u16(0x0804, 0x0403)]),
  ];
  expect(ja4Parts(hello([0x0a0a, 0x1302, 0x1301], extensions))).toEqual({
    head: "t13d0204h2",
    ciphers: "1301,1302",
    extensions: "000d,002b_0804,0403",
  });
});

test.each([
  ["no extension", [], "t12i010000", ""],
  ["bytes that are no letters", [alpn(0xab, 0x41, 0xcd)], "t12i0101ad", ""],
  ["one character", [alpn(0x78)], "t12i0101xx", ""],
  ["an ALPN whose length lies", [extension(16, [0, 9, 9, 1])], "t12i010100", ""],
  ["an empty ALPN", [extension(16, [])], "t12i010100", ""],
  ["a version that nobody knows", [extension(43, [2, 9, 9])], "t00i010100", "002b"],
])("%s", (_name, extensions, head, list) => {
  expect(ja4Parts(hello([0x002f], extensions))).toEqual({ head, ciphers: "002f", extensions: list });
});

test("more than 99 are 99", () => {
  const many = Array.from({ length: 120 }, (_, i) => i + 1);
  expect(ja4Parts(hello(many, [])).head).toBe("t12i990000");
});
