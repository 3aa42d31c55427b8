import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "@heddle/xds-api/envoy/config/core/v3/extension";
import { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import { XffConfigSchema } from "@heddle/xds-api/envoy/extensions/http/original_ip_detection/xff/v3/xff";
import { decodeOriginalIp } from "./original-ip.ts";
import { createScope, problemText } from "./scope.ts";

const xff = (xffNumTrustedHops: number) =>
  create(TypedExtensionConfigSchema, {
    name: "xff",
    typedConfig: anyPack(XffConfigSchema, create(XffConfigSchema, { xffNumTrustedHops })),
  });
const router = create(TypedExtensionConfigSchema, {
  name: "router",
  typedConfig: anyPack(RouterSchema, create(RouterSchema)),
});

test.each([
  [[], {}, undefined, ""],
  [[xff(0)], {}, 0, ""],
  [[xff(2)], {}, 2, ""],
  [[xff(2)], { useRemoteAddress: true }, 2, "can't stand beside use_remote_address"],
  [[xff(2)], { hops: 1 }, 2, "can't stand beside xff_num_trusted_hops"],
  [[xff(2), xff(1)], {}, 2, "only one extension is taken"],
  [[router], {}, undefined, "envoy.extensions.filters.http.router.v3.Router"],
  [[create(TypedExtensionConfigSchema)], {}, undefined, "typed_config is missing"],
])("%#: hops, and what is wrong", (extensions, beside, hops, problem) => {
  const scope = createScope();
  const found = decodeOriginalIp(extensions, { useRemoteAddress: false, hops: 0, ...beside }, scope.field("at"));
  expect(found).toBe(hops);
  expect(problemText(scope.problems)).toContain(problem);
  expect(scope.problems.length).toBe(problem === "" ? 0 : 1);
});
