import { expect, test } from "bun:test";
import { createOutputBuffer } from "./output-buffer.ts";
import { createSpareMemory } from "./spare-memory.ts";

const chunk = Buffer.alloc(130_000, 1);

test("buffers that are large one after the other share their memory, those at the same time don't", () => {
  const spare = createSpareMemory();
  const [one, two] = [createOutputBuffer(4096, spare), createOutputBuffer(4096, spare)];
  one.append(chunk, 0, chunk.length);
  const memory = one.bytes;
  two.append(chunk, 0, chunk.length);
  expect(two.bytes).not.toBe(memory);
  two.clear();
  one.consume(chunk.length);
  one.append(chunk, 0, 10);
  expect(one.bytes.length).toBe(4096);
  two.append(Buffer.alloc(chunk.length, 2), 0, chunk.length);
  expect(two.bytes.subarray(two.start, two.end).every((byte) => byte === 2)).toBe(true);
  expect(one.bytes.subarray(one.start, one.end)).toEqual(chunk.subarray(0, 10));
});

test("memory is used again, the largest that was given; what is very large is not kept", () => {
  const spare = createSpareMemory();
  const [small, large] = [spare.take(1000), spare.take(600_000)];
  spare.give(large);
  spare.give(small);
  expect(spare.take(1000)).toBe(large);
  expect(spare.take(1000)).not.toBe(large);
  const huge = spare.take(4 << 20);
  spare.give(huge);
  expect(spare.take(4 << 20)).not.toBe(huge);
});
