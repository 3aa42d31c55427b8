import { expect, test } from "bun:test";
import { type UpstreamFacts, upstreamValue } from "./upstream-values.ts";

test.each([
  ["10.1.2.3:4000", undefined, "10.1.2.3"],
  ["10.1.2.3:4000", "8", "10.0.0.0/8"],
  ["[2001:db8::1]:4000", undefined, "2001:db8::1"],
  ["[2001:db8::1]:4000", "16", "2001::/16"],
  ["", undefined, undefined],
])("our own address towards the upstream, %p in %p bits", (upstreamLocal, argument, wanted) => {
  const record = { upstreamLocal } as UpstreamFacts;
  expect(upstreamValue(record, { name: "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", argument } as never)).toBe(wanted);
});
