import { expect, test } from "bun:test";
import { DEFAULT_EXCLUDES, podSelection } from "./pod-selection.ts";

const pod = (namespace: string, name: string, deployment: string, labels = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    namespace,
    name,
    labels: { "pod-template-hash": "abc", ...labels },
    ownerReferences: [{ kind: "ReplicaSet", name: `${deployment}-abc`, controller: true }],
  },
  spec: { containers: [{ name: "app" }] },
});
const web = pod("shop", "web-abc-1", "web", { tier: "front" });
const dns = pod("kube-system", "dns-abc-1", "dns");

test.each([
  [[], [true, false]],
  [["shop"], [true, false]],
  [["sh*/web"], [true, false]],
  [["shop/cart"], [false, false]],
  [["shop//web-*"], [true, false]],
  [["shop///tier=front"], [true, false]],
  [["shop///tier=back"], [false, false]],
  [["shop/////proxy"], [false, false]],
  [
    ["other", "shop"],
    [true, false],
  ],
] as const)("--include %p", (includes, [wantsWeb, wantsDns]) => {
  const selection = podSelection(includes, DEFAULT_EXCLUDES);
  expect([selection.pod(web), selection.pod(dns)]).toEqual([wantsWeb, wantsDns]);
});

test("--exclude wins; a namespace goes only as a whole", () => {
  const selection = podSelection(["shop"], ["shop/web"]);
  expect(selection.pod(web)).toBe(false);
  expect(selection.namespace("shop")).toBe(true);
  expect(podSelection([], ["shop"]).namespace("shop")).toBe(false);
  expect(() => podSelection(["a/b/c/d/e/f/g"], [])).toThrow("--include");
});
