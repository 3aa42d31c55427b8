import { expect, test } from "bun:test";
import { LAST_APPLIED, lastAppliedOf, lastAppliedText } from "./last-applied.ts";

const live = { metadata: { annotations: { [LAST_APPLIED]: '{"data":{"a":"1"}}' } } };

test("only kubectl takes over what client-side apply left", () => {
  expect(lastAppliedOf(live, "kubectl")).toEqual({ data: { a: "1" } });
  expect(lastAppliedOf(live, "someone")).toBeUndefined();
  expect(lastAppliedOf({ metadata: {} }, "kubectl")).toBeUndefined();
  expect(lastAppliedOf({ metadata: { annotations: { [LAST_APPLIED]: "{" } } }, "kubectl")).toBeUndefined();
});

test("the annotation is the applied object in key order, without itself", () => {
  const config = {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name: "x", annotations: { [LAST_APPLIED]: "old" } },
    data: { b: "2", a: "1" },
  };
  expect(lastAppliedText(config)).toBe(
    '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"name":"x"}}\n',
  );
});
