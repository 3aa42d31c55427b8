import { expect, test } from "bun:test";
import { createYoungCollector } from "./young-collector.ts";

const MIB = 1 << 20;

/** A heap whose size the test decides, and what was asked of it. */
function heapOf(mib: number) {
  const heap = {
    mib,
    afterAll: mib,
    young: 0,
    full: 0,
    collect: () => void heap.young++,
    collectAll: () => {
      heap.full++;
      heap.mib = heap.afterAll;
    },
    size: () => heap.mib * MIB,
  };
  const collector = createYoungCollector(heap);
  /** Enough for eight collections, the first of which measures the heap. */
  const work = () => {
    for (let turn = 0; turn < 8; turn++) {
      for (let i = 0; i < 8000; i++) collector.read(1024);
      collector.rest();
    }
  };
  return { heap, collector, work };
}

test("young objects are collected after a budget of bytes, between turns only", () => {
  const { heap, collector } = heapOf(12);
  for (let i = 0; i < 10_000; i++) collector.read(1024);
  expect(heap.young).toBe(0);
  collector.rest();
  collector.rest();
  expect(heap.young).toBe(1);
  for (let i = 0; i < 100; i++) {
    collector.read(100);
    collector.rest();
  }
  expect(heap.young).toBe(1);
});

test("requests count, however many came with one read", () => {
  const { heap, collector } = heapOf(12);
  for (let i = 0; i < 100; i++) {
    collector.read(65_536);
    for (let j = 0; j < 64; j++) collector.request();
    collector.rest();
  }
  expect(heap.young).toBe(4);
});

test("what young collections made old is collected when the heap has grown, and what then stays is the new measure", () => {
  const { heap, work } = heapOf(12);
  work();
  heap.mib = 17;
  work();
  expect([heap.young, heap.full]).toEqual([16, 0]);
  heap.mib = 24;
  heap.afterAll = 15;
  work();
  expect([heap.young, heap.full]).toEqual([23, 1]);
  heap.mib = 24;
  work();
  expect([heap.young, heap.full]).toEqual([31, 1]);
});

test("a large heap that grew is left to the engine until it has collected in full", () => {
  const { heap, work } = heapOf(100);
  work();
  heap.mib = 150;
  work();
  work();
  expect([heap.young, heap.full]).toEqual([8, 0]);
  heap.mib = 110;
  work();
  expect([heap.young, heap.full]).toEqual([16, 0]);
});
