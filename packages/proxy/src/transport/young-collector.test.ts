import { expect, test } from "bun:test";
import { createYoungCollector } from "./young-collector.ts";

const MIB = 1 << 20;

test("young objects are collected after a budget of bytes, between turns only", () => {
  let collections = 0;
  const collector = createYoungCollector({ collect: () => void collections++, size: () => 12 * MIB });
  for (let i = 0; i < 10_000; i++) collector.read(1024);
  expect(collections).toBe(0);
  collector.rest();
  collector.rest();
  expect(collections).toBe(1);
  for (let i = 0; i < 100; i++) {
    collector.read(100);
    collector.rest();
  }
  expect(collections).toBe(1);
});

test("a heap whose old objects grew is left to the engine until it has collected in full", () => {
  let size = 12 * MIB;
  let collections = 0;
  const collector = createYoungCollector({ collect: () => void collections++, size: () => size });
  const work = () => {
    for (let i = 0; i < 2000; i++) collector.read(1024);
    collector.rest();
  };
  work();
  expect(collections).toBe(1);
  size = 30 * MIB;
  work();
  work();
  expect(collections).toBe(1);
  size = 13 * MIB;
  work();
  expect(collections).toBe(2);
});
