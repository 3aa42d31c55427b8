import { expect, test } from "bun:test";
import { createScope } from "./scope.ts";
import { compileTemplateRewrite, compileUriTemplate, renderTemplate } from "./uri-template.ts";

test.each([
  ["/a/{x}/b", "/a/1/b", "/{x}", "/1"],
  ["/a/{x}/b", "/a/1/2/b", "/{x}", undefined],
  ["/a/*/b", "/a/1/b", "/c", "/c"],
  ["/a/**", "/a/1/2/3", "/c", "/c"],
  ["/{rest=**}", "/1/2", "/x/{rest}", "/x/1/2"],
  ["/{rest=a/*}/b", "/a/1/b", "/{rest}", "/a/1"],
  ["/{x}.{y}", "/1.2", "/{x}", "refused"],
  ["/a.b", "/aXb", "/c", undefined],
  ["a/{x}", "/a/1", "/c", "refused"],
  ["/{x}/{x}", "/a/1", "/c", "refused"],
])("%s for %s", (text, path, rewrite, expected) => {
  const scope = createScope();
  const template = compileUriTemplate(text, scope);
  if (expected === "refused") {
    expect(scope.problems.length + (template === undefined ? 1 : 0)).toBeGreaterThan(0);
    return;
  }
  expect(scope.problems).toEqual([]);
  const captures = template?.captures(path);
  if (expected === undefined) {
    expect(captures).toBeUndefined();
    expect(template?.test(path)).toBe(false);
    return;
  }
  expect(renderTemplate(compileTemplateRewrite(rewrite, template, scope) ?? [], captures)).toBe(expected);
});

test("a rewrite names variables of its match only", () => {
  const scope = createScope("rewrite");
  const template = compileUriTemplate("/{a}", scope);
  expect(compileTemplateRewrite("/{b}", template, scope)).toBeUndefined();
  expect(scope.problems[0]?.reason).toContain("{b}");
});
