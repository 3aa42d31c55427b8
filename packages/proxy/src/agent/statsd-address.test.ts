import { expect, test } from "bun:test";
import { statsdAddress } from "./statsd-address.ts";

const read = (value: unknown) => {
  const errors: string[] = [];
  const log = { error: (message: string) => void errors.push(message) };
  return [statsdAddress(value === undefined ? {} : { statsdUdpAddress: value }, log), errors.length] as const;
};

test("an address with its port; nothing where nothing is asked for", () => {
  expect(read("10.0.0.9:9125")).toEqual([{ ip: "10.0.0.9", port: 9125 }, 0]);
  expect(read("[::1]:9125")).toEqual([{ ip: "::1", port: 9125 }, 0]);
  expect(read(undefined)).toEqual([undefined, 0]);
  expect(read("")).toEqual([undefined, 0]);
});

test.each([
  "statsd.monitoring:9125",
  "10.0.0.9",
  "10.0.0.9:0",
  "10.0.0.9:70000",
  9125,
  {},
  null,
  "x".repeat(100_000),
])("%p is told and sends nothing", (value) => {
  expect(read(value)).toEqual([undefined, 1]);
});
