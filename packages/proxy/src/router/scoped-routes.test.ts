import { expect, test } from "bun:test";
import { createRequestHead } from "@heddle/wire";
import { type RouteScope, type ScopeFragment, scopeKey } from "../config/scoped-routes.ts";
import { createRouteCounterSet } from "../counters/route-counters.ts";
import { keyOf, ScopeSet } from "./scoped-routes.ts";

const request = (headers: Readonly<Record<string, string>>) => {
  const head = createRequestHead();
  for (const [name, value] of Object.entries(headers)) head.headers.append(name, value);
  return head;
};
const element: ScopeFragment = {
  header: "x-key",
  separator: ";",
  take: { kind: "element", separator: "=", key: "vip" },
};
const index: ScopeFragment = { header: "x-key", separator: ",", take: { kind: "index", index: 1 } };

test.each([
  [[element], { "x-key": "a=b;vip=1;vip=2" }, ["1"]],
  [[element], { "x-key": "vip=a=b" }, ["a=b"]],
  [[element], { "x-key": "vip" }, [""]],
  [[element], { "x-key": "VIP=1" }, undefined],
  [[element], {}, undefined],
  [[index], { "x-key": "a,b,c" }, ["b"]],
  [[index], { "x-key": "a," }, [""]],
  [[index], { "x-key": "a" }, undefined],
  [[index, element], { "x-key": "vip=1;x,y" }, ["y", "1"]],
  [[index, element], { "x-key": "a,b" }, undefined],
] as const)("%o of %o", (fragments, headers, expected) => {
  expect(keyOf(fragments, request(headers))).toBe(expected && scopeKey(expected));
});

test("keys of several parts are told apart", () => {
  const keys = [["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"], ["", "abc"], ["1:a"], ["a", ""]].map(scopeKey);
  expect(new Set(keys).size).toBe(keys.length);
});

test("scopes change hands within an update, and nothing else finds them", () => {
  const tables = new Map<string, never>();
  const asked: string[] = [];
  const set = new ScopeSet(createRouteCounterSet(), (name) => {
    asked.push(name);
    return tables.get(name);
  });
  const scope = (name: string, key: string): RouteScope => ({
    name,
    key: [key],
    routes: { kind: "rds", name: `to-${name}` },
  });
  const at = (key: string) => {
    asked.length = 0;
    set.find([{ header: "x-key", separator: "", take: { kind: "index", index: 0 } }], request({ "x-key": key }));
    return asked.join();
  };
  set.set(scope("a", "1"));
  set.set(scope("b", "2"));
  expect([at("1"), at("2"), at("3")]).toEqual(["to-a", "to-b", ""]);
  expect(set.conflict(scope("c", "1"), new Set())).toBe("a");
  expect(set.conflict(scope("a", "1"), new Set())).toBeUndefined();
  expect(set.conflict(scope("c", "1"), new Set(["a"]))).toBeUndefined();
  // a and b change their keys.
  set.set(scope("a", "2"));
  set.set(scope("b", "1"));
  expect([at("1"), at("2")]).toEqual(["to-b", "to-a"]);
  set.set(scope("c", "1"));
  set.remove("b");
  expect([at("1"), [...set.tables()].sort().join(), set.size]).toEqual(["to-c", "to-a,to-c", 2]);
  set.remove("c");
  expect(at("1")).toBe("");
});
