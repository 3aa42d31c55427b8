import { expect, test } from "bun:test";
import { differingSettings } from "./settings-diff.ts";

const made = (by: string, rest: object = {}) => ({ metadata: { filter_metadata: { heddle: { by }, ...rest } } });

test("fields that differ are told by their paths; who made what is no difference", () => {
  const chain = (...servers: string[]) => ({ filter_chains: servers.map((name) => ({ name, settings: {} })) });
  expect(differingSettings({ ...chain("a"), ...made("x") }, { ...chain("a"), ...made("y") })).toBeUndefined();
  expect(differingSettings(chain("a", "b"), chain("b", "a"))).toEqual({
    removed: ['filter_chains[0].name "a"', 'filter_chains[1].name "b"'],
    added: ['filter_chains[0].name "b"', 'filter_chains[1].name "a"'],
  });
  expect(differingSettings({ fault: {} }, {})).toEqual({ removed: ["fault {}"], added: [] });
  expect(differingSettings(made("x", { istio: 1 }), made("x", { istio: 2 }))?.added).toEqual([
    "metadata.filter_metadata.istio 2",
  ]);
});

test("a resource that is another one altogether is cut short", () => {
  const many = { list: Array.from({ length: 40 }, (_, at) => at) };
  const removed = differingSettings(many, { list: [] })?.removed ?? [];
  expect([removed.length, removed.at(-1)]).toEqual([13, "… 28 more fields"]);
});
