import { expect, test } from "bun:test";
import { readSessionCookie, writeSessionCookie } from "./session-cookie.ts";

test.each([
  { address: "127.0.0.1:80", expires: 0 },
  { address: "127.0.0.1:80", expires: 1 },
  { address: "[::1]:65535", expires: 1_795_359_977 },
  { address: "x".repeat(300), expires: 2 ** 40 },
  { address: "", expires: 0 },
])("$address until $expires comes back", (cookie) => {
  expect(readSessionCookie(writeSessionCookie(cookie))).toEqual(cookie);
});

test("is as Envoy writes it", () => {
  const seen = Buffer.from("Cg8xMjcuMC4wLjE6NDU4NTEQ6YmM2AY=", "base64");
  expect(readSessionCookie(seen)).toEqual({ address: "127.0.0.1:45851", expires: 1_795_359_977 });
  expect(writeSessionCookie({ address: "127.0.0.1:45851", expires: 1_795_359_977 })).toEqual(seen);
});

test("other fields are passed over", () => {
  const own = [0x0a, 1, 0x61];
  const others = [
    [0x18, 0x96, 1],
    [0x19, 1, 2, 3, 4, 5, 6, 7, 8],
    [0x22, 2, 9, 9],
    [0x25, 1, 2, 3, 4],
  ];
  for (const other of others) expect(readSessionCookie(Buffer.from([...other, ...own]))?.address).toBe("a");
});

test.each([
  [[0x0a]],
  [[0x0a, 5, 0x61]],
  [[0x10, 0x80]],
  [[0x00, 1]],
  [[0x1b]],
  [[0x25, 1]],
  [[0x10, ...Array(11).fill(0xff), 1]],
])("%p is none", (bytes) => {
  expect(readSessionCookie(Buffer.from(bytes))).toBeUndefined();
});

test("any bytes are read without an error", () => {
  let seed = 7;
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.alloc(i % 23);
    for (let j = 0; j < bytes.length; j++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      bytes[j] = seed >> 16;
    }
    expect(() => readSessionCookie(bytes)).not.toThrow();
  }
});
