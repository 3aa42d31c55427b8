import { expect, test } from "bun:test";
import { createLogger, createManualClock, durationMs } from "@heddle/std";
import { createGatewayNames } from "./gateway-names.ts";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("names are resolved at once and again, changes are told, failures take nothing away", async () => {
  const clock = createManualClock();
  const answers = new Map<string, readonly string[]>([["lb.example", ["192.0.2.2", "192.0.2.1"]]]);
  let changes = 0;
  const sentences: string[] = [];
  const names = createGatewayNames({
    clock,
    async resolve(name) {
      const found = answers.get(name);
      if (found === undefined) throw new Error("queryA ENOTFOUND");
      return found;
    },
    log: createLogger({ clock, sink: ({ message }) => void sentences.push(message) }),
    onChange: () => changes++,
  });
  names.follow(["lb.example"]);
  await settled();
  expect(names.addressesOf("lb.example")).toEqual(["192.0.2.1", "192.0.2.2"]);
  names.follow(["lb.example"]);
  clock.advance(durationMs(30_000));
  await settled();
  expect(changes).toBe(1);
  answers.set("lb.example", ["192.0.2.3"]);
  clock.advance(durationMs(30_000));
  await settled();
  expect([changes, names.addressesOf("lb.example")]).toEqual([2, ["192.0.2.3"]]);
  answers.clear();
  clock.advance(durationMs(30_000));
  await settled();
  expect([changes, names.addressesOf("lb.example")]).toEqual([2, ["192.0.2.3"]]);
  names.follow(["other.example"]);
  await settled();
  expect(names.addressesOf("lb.example")).toEqual([]);
  expect(sentences).toEqual([
    "the gateway's name can't be resolved; its last addresses stay in force",
    "the gateway's name can't be resolved; its network can't be reached",
  ]);
  names.close();
});
