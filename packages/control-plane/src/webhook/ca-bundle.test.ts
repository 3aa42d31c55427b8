import { expect, test } from "bun:test";
import { bundlePatch } from "./ca-bundle.ts";

const configuration = {
  apiVersion: "v1",
  kind: "X",
  metadata: { name: "x" },
  webhooks: [
    { clientConfig: { caBundle: "old" }, failurePolicy: "Ignore" },
    { clientConfig: { caBundle: "new" }, failurePolicy: "Fail" },
    "noise",
  ],
};

test("only what differs is patched; failurePolicy only where asked", () => {
  expect(bundlePatch(configuration, "new", false)).toEqual([
    { op: "add", path: "/webhooks/0/clientConfig/caBundle", value: "new" },
  ]);
  expect(bundlePatch(configuration, "old", true)).toEqual([
    { op: "replace", path: "/webhooks/0/failurePolicy", value: "Fail" },
    { op: "add", path: "/webhooks/1/clientConfig/caBundle", value: "old" },
  ]);
  expect(bundlePatch({ apiVersion: "v1", kind: "X", metadata: { name: "x" } }, "new", true)).toEqual([]);
});
