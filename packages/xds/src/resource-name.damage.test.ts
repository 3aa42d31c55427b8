import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { damaged, seededRandom } from "@heddle/std/damage";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { resourceName } from "./resource-name.ts";

test("names of damaged resources are texts or none; nothing throws or hangs", () => {
  const random = seededRandom(161);
  const whole = toBinary(ClusterSchema, create(ClusterSchema, { name: "outbound|80||web", altStatName: "web" }));
  expect(resourceName(typeUrls.cluster, whole)).toBe("outbound|80||web");
  const seen = new Set<string>();
  for (let round = 0; round < 5000; round++) {
    const name = resourceName(typeUrls.cluster, damaged(whole, random));
    seen.add(name === undefined ? "none" : "a name");
    if (name !== undefined) expect(name.length).toBeLessThan(200);
  }
  expect(seen.size).toBe(2);
});
