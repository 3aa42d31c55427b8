import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { resourceName } from "./index.ts";

const name = "outbound|80||wäb.svc";
const bytes = toBinary(
  ClusterSchema,
  create(ClusterSchema, { name, altStatName: "x".repeat(300), connectTimeout: { seconds: 1n } }),
);

test("the name is read without decoding", () => {
  expect(resourceName(typeUrls.cluster, bytes)).toBe(name);
});

test("any cut or noise gives undefined or a string, never a throw", () => {
  for (let cut = 0; cut < bytes.length; cut++) resourceName(typeUrls.cluster, bytes.subarray(0, cut));
  for (let seed = 1; seed < 500; seed++) {
    const noise = Uint8Array.from({ length: 40 }, (_, i) => (seed * 2654435761 * (i + 1)) >>> 24);
    resourceName(typeUrls.cluster, noise);
  }
  expect(resourceName(typeUrls.cluster, bytes.subarray(0, 5))).toBeUndefined();
  expect(resourceName(typeUrls.cluster, new Uint8Array())).toBeUndefined();
});
