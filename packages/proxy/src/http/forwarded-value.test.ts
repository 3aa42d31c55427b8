import { expect, test } from "bun:test";
import { forwardedValue } from "./forwarded-value.ts";

test.each([
  ["By=a;Hash=b", "hash", "b"],
  ["By=a,By=c;URI=d", "URI", "d"],
  ['Subject="CN=x,O=\\"y;z\\"";URI=u', "subject", 'CN=x,O="y;z"'],
  ['Subject="CN=x,O=\\"y;z\\"";URI=u', "URI", "u"],
  ["Hash", "hash", undefined],
  ['Subject="open;URI=u', "URI", undefined],
  ["", "URI", undefined],
] as const)("%s: %s", (header, key, value) => {
  expect(forwardedValue(header, key)).toBe(value);
});
