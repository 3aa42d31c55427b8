import { expect, test } from "bun:test";
import { createLineDecoder } from "./line-decoder.ts";

test("any split of the bytes gives the same lines", () => {
  const bytes = new TextEncoder().encode('{"a":"ä"}\n\n{"b":2}\r\n{"c":"€uro"}\n');
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const decoder = createLineDecoder();
      const lines = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)].flatMap((part) =>
        decoder.push(part),
      );
      expect(lines).toEqual(['{"a":"ä"}', '{"b":2}', '{"c":"€uro"}']);
    }
  }
});

test("a line without end is refused", () => {
  const decoder = createLineDecoder(10);
  decoder.push(new Uint8Array(10).fill(65));
  expect(() => decoder.push(Uint8Array.of(65))).toThrow("longer than 10 bytes");
});
