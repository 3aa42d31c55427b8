import { expect, test } from "bun:test";
import { normalizePath } from "@heddle/std";
import { pathCases } from "@heddle/std/path-cases";
import { pathRulesOf, walkPath } from "./path-walk.ts";

test.each(
  pathCases.map((one) => [one.sent, JSON.stringify(one.manager), one] as const),
)("%s under %s is what the proxy makes of it, with a reason for each change", (_sent, _manager, {
  manager,
  sent,
  seen,
}) => {
  const { path, step } = walkPath(manager, sent);
  expect(path).toBe(seen);
  expect(path).toBe(normalizePath(sent, pathRulesOf(manager)));
  if (path !== sent)
    for (const word of step?.because.match(/[a-z]+_[a-z_]+/g) ?? [""]) expect(manager).toHaveProperty(word);
});

test("what a setting left alone is said, too, and nothing of an ordinary path", () => {
  expect(walkPath({ normalize_path: true }, "/a/b?c=//d")).toEqual({ path: "/a/b?c=//d", step: undefined });
  expect(walkPath({ normalize_path: true }, "//a").step?.details).toEqual(["merge_slashes is off: // stays"]);
  const escaped = walkPath({ normalize_path: true }, "/x/%2e%2e/a%2Fb").step;
  expect(escaped?.name).toBe("/a%2Fb");
  expect(escaped?.details).toEqual([
    "path_with_escaped_slashes_action keeps %2F and %5C",
    "normalize_path: /x/%2e%2e/a%2Fb becomes /a%2Fb",
  ]);
  expect(walkPath({}, "/x/../y").step).toMatchObject({
    name: "/x/../y",
    details: ["normalize_path is off: dots and escapes stay"],
  });
});
