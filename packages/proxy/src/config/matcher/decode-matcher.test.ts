import { expect, test } from "bun:test";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { loadTypeRegistry } from "@heddle/xds-api";
import { MatcherSchema } from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { messageEntry } from "../any-field.ts";
import { createScope } from "../scope.ts";
import { bytesOfText } from "../wire-text.ts";
import { decodeMatcher } from "./decode-matcher.ts";
import { actionsOf, inputsOf } from "./match-tree.ts";
import { CHAIN_INPUTS, ROUTE_INPUTS } from "./matcher-inputs.ts";

const registry = await loadTypeRegistry();
const actions = { [StringValueSchema.typeName]: messageEntry(StringValueSchema, ({ value }) => value) };

function decode(json: JsonValue) {
  const scope = createScope("m");
  const tree = decodeMatcher(fromJson(MatcherSchema, json, { registry }), { inputs: CHAIN_INPUTS, actions }, scope);
  return { tree, problems: scope.problems.map(({ path, reason }) => `${path}: ${reason}`) };
}

const port = {
  name: "p",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
  },
};
const chain = (value: string) => ({
  action: { name: "a", typed_config: { "@type": "type.googleapis.com/google.protobuf.StringValue", value } },
});
const single = { single_predicate: { input: port, value_match: { exact: "80" } } };
const custom = (type: string, fields: object) => ({
  matcher_tree: {
    input: port,
    custom_match: {
      name: "c",
      typed_config: { "@type": `type.googleapis.com/xds.type.matcher.v3.${type}`, ...fields },
    },
  },
});

test("a tree of everything is taken, and says what it asks for and leads to", () => {
  const { tree, problems } = decode({
    matcher_list: {
      matchers: [
        { predicate: { and_matcher: { predicate: [single, { not_matcher: single }] } }, on_match: chain("a") },
        {
          predicate: single,
          on_match: { matcher: { matcher_tree: { input: port, exact_match_map: { map: { "1": chain("b") } } } } },
        },
      ],
    },
    on_no_match: {
      matcher: custom("ServerNameMatcher", { domain_matchers: [{ domains: ["*"], on_match: chain("c") }] }),
    },
  });
  expect(problems).toEqual([]);
  expect(tree && [...actionsOf(tree)]).toEqual(["a", "b", "c"]);
  expect(tree && new Set([...inputsOf(tree)].map(({ kind }) => kind))).toEqual(new Set(["destination-port"]));
});

test.each([
  ["a list without matchers", { matcher_list: {} }, "m.matcher_list.matchers: a matcher list needs at least one"],
  ["an outcome without action", { on_no_match: {} }, "m.on_no_match: a match must lead to a matcher or an action"],
  [
    "a predicate of nothing",
    { matcher_list: { matchers: [{ on_match: chain("a") }] } },
    "m.matcher_list.matchers[0].predicate: a predicate needs one of",
  ],
  [
    "one predicate of several",
    { matcher_list: { matchers: [{ predicate: { or_matcher: { predicate: [single] } }, on_match: chain("a") }] } },
    "or_matcher.predicate: at least two predicates",
  ],
  ["a tree of no kind", { matcher_tree: { input: port } }, "m.matcher_tree: a matcher tree needs one of"],
  ["an empty map", { matcher_tree: { input: port, exact_match_map: {} } }, "exact_match_map.map: a match map needs"],
  [
    "an input of another place",
    {
      matcher_tree: {
        input: {
          name: "h",
          typed_config: { "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput" },
        },
        exact_match_map: { map: { a: chain("a") } },
      },
    },
    "m.matcher_tree.input.typed_config: envoy.type.matcher.v3.HttpRequestHeaderMatchInput is not an extension",
  ],
  [
    "a range that is none",
    custom("IPMatcher", { range_matchers: [{ ranges: [{ address_prefix: "x" }], on_match: chain("a") }] }),
    'range_matchers[0].ranges[0].address_prefix: "x" is not a numeric address',
  ],
  [
    "a name in the middle",
    custom("ServerNameMatcher", { domain_matchers: [{ domains: ["a.*.b"], on_match: chain("a") }] }),
    'domains[0]: "a.*.b" is neither a name, *.name nor *',
  ],
  [
    "a name twice",
    custom("ServerNameMatcher", { domain_matchers: [{ domains: ["a", "a"], on_match: chain("a") }] }),
    "domains[1]: a stands twice",
  ],
] as const)("refused: %s", (_name, json, problem) => {
  expect(decode(json as JsonValue).problems.join("\n")).toContain(problem);
});

test("trees without end are refused before the stack is", () => {
  let matcher: JsonValue = { on_no_match: chain("deep") };
  for (let depth = 0; depth < 40; depth++) matcher = { on_no_match: { matcher } };
  expect(decode(matcher).problems.join()).toContain("nested more than 32 deep");
  let predicate: JsonValue = single;
  for (let depth = 0; depth < 40; depth++) predicate = { not_matcher: predicate };
  const list = { matcher_list: { matchers: [{ predicate, on_match: chain("a") }] } };
  expect(decode(list).problems.join()).toContain("nested more than 32 deep");
});

test("what is said of a header is looked up by the bytes of its UTF-8", () => {
  const type = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
  const input = { name: "h", typed_config: { "@type": type, header_name: "x-who" } };
  const json = {
    matcher_tree: { input, prefix_match_map: { map: { Zoë: chain("a") } } },
    on_no_match: {
      matcher: {
        matcher_list: {
          matchers: [
            { predicate: { single_predicate: { input, value_match: { exact: "Zoë" } } }, on_match: chain("b") },
          ],
        },
      },
    },
  };
  const message = fromJson(MatcherSchema, json, { registry });
  const tree = decodeMatcher(message, { inputs: ROUTE_INPUTS, actions }, createScope());
  expect(tree).toMatchObject({
    lengths: [4],
    otherwise: { tree: { entries: [{ predicate: { match: { text: bytesOfText("Zoë") } } }] } },
  });
  expect(tree?.kind === "prefix" && [...tree.outcomes.keys()]).toEqual([bytesOfText("Zoë")]);
});
