import { expect, test } from "bun:test";
import { maskedConfigs } from "./field-mask.ts";

const dump = {
  configs: [
    { "@type": "a", bootstrap: { node: { id: "x", cluster: "y" }, admin: {} } },
    { "@type": "b", dynamic_active_clusters: [{ version_info: "1", cluster: { name: "c", type: "EDS" } }] },
  ],
};

test.each([
  ["bootstrap.node.id", [{ "@type": "a", bootstrap: { node: { id: "x" } } }, { "@type": "b" }]],
  [
    "dynamic_active_clusters.version_info,dynamic_active_clusters.cluster.name",
    [{ "@type": "a" }, { "@type": "b", dynamic_active_clusters: [{ version_info: "1", cluster: { name: "c" } }] }],
  ],
  ["bootstrap,bootstrap.node.id", [dump.configs[0], { "@type": "b" }]],
] as const)("%s", (mask, configs) => {
  expect(maskedConfigs(dump, mask)).toEqual({ configs: [...configs] } as never);
});

test("a mask of nothing that there is", () => {
  expect(maskedConfigs(dump, "nothing.here")).toBeUndefined();
});
