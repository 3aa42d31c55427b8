import { expect, test } from "bun:test";
import { rewritten } from "./rewrite.ts";

const regex = { regex_rewrite: { pattern: { regex: "/v(\\d+)/([^/]+)" }, substitution: "/$2/\\2/\\1" } };

test.each([
  ["/old/a?b=/old/", { prefix: "/old/" }, { prefix_rewrite: "/new/" }, "/new/a?b=/old/"],
  ["/old?b", { path: "/old" }, { prefix_rewrite: "/new" }, "/new?b"],
  ["/old/a", { path_separated_prefix: "/old" }, { prefix_rewrite: "/" }, "//a"],
  ["/v1/users/5?v1/x", { prefix: "/" }, regex, "/$2/users/1/5?v1/x"],
  ["/a", { prefix: "/" }, { regex_rewrite: { pattern: { regex: "(" }, substitution: "x" } }, "/a"],
  ["/a", { prefix: "/" }, {}, "/a"],
] as const)("%s, matched by %j, goes on by %j as %s", (path, match, route, wanted) => {
  expect(rewritten({ ":path": path }, { match, route })[":path"]).toBe(wanted);
});

test("the authority that a route sets is what the far side sees", () => {
  const route = { route: { host_rewrite_literal: "b" } };
  expect(rewritten({ ":authority": "a", ":path": "/" }, route)[":authority"]).toBe("b");
});
