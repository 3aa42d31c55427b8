import { describe, expect, test } from "bun:test";
import { parseRequirements } from "./label-parser.ts";

describe("parseRequirements", () => {
  test.each([
    ["a", [{ key: "a", operator: "exists", values: [] }]],
    ["!a", [{ key: "a", operator: "absent", values: [] }]],
    [
      "a=b,c!=d",
      [
        { key: "a", operator: "in", values: ["b"] },
        { key: "c", operator: "notin", values: ["d"] },
      ],
    ],
    [
      "x.io/a in (b, c),d notin ()",
      [
        { key: "x.io/a", operator: "in", values: ["b", "c"] },
        { key: "d", operator: "notin", values: [""] },
      ],
    ],
    [
      "a=,b>3",
      [
        { key: "a", operator: "in", values: [""] },
        { key: "b", operator: "gt", values: ["3"] },
      ],
    ],
    ["in in (notin)", [{ key: "in", operator: "in", values: ["notin"] }]],
    ["", []],
  ] as const)("%s", (source, expected) => {
    expect(parseRequirements(source)).toEqual([...expected]);
  });

  // Each sentence is what a real API server answered.
  test.each([
    ["app in", "unable to parse requirement: found '' expected: '('"],
    ["app in (a", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a===b", "unable to parse requirement: found '=', expected: identifier"],
    ["b c", "unable to parse requirement: found 'c', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    ["a,,b", "found ',', expected: identifier after ','"],
    [
      "a>1x",
      `unable to parse requirement: values[0]: Invalid value: "1x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ] as const)("refuses %s", (source, message) => {
    expect(() => parseRequirements(source)).toThrow(message);
  });
});
