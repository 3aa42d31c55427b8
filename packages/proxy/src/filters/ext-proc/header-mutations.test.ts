import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { createRequestHead, createResponseHead } from "@heddle/wire";
import { HeaderMutationSchema } from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import { decodeMutationRules, type MutationRules } from "../../config/mutation-rules.ts";
import { createScope } from "../../config/scope.ts";
import { requestFields, responseFields } from "./header-fields.ts";
import { applyHeaderMutation } from "./header-mutations.ts";

const RULES = decodeMutationRules(undefined, createScope());
const set = (key: string, value: string, append?: boolean) => ({
  header: { key, rawValue: Buffer.from(value) },
  ...(append === undefined ? {} : { append }),
});

function mutate(
  changes: readonly ReturnType<typeof set>[],
  removed: readonly string[] = [],
  rules: Partial<MutationRules> = {},
) {
  const head = createRequestHead();
  head.headers.append("x-old", "1");
  let rejected = 0;
  const why = applyHeaderMutation(
    create(HeaderMutationSchema, { setHeaders: [...changes], removeHeaders: [...removed] }),
    requestFields(head),
    { rules: { ...RULES, ...rules }, replacing: false, noLength: true, rejected: () => rejected++ },
  );
  return { head, why, rejected };
}

test("headers are set, appended and removed; what routes a request is not touched", () => {
  const { head, why, rejected } = mutate(
    [set("X-New", "a"), set("x-new", "b", true), set("x-old", "2", false), set("host", "x"), set(":path", "/p")],
    ["x-absent", ":path"],
  );
  expect(why).toBeUndefined();
  expect([head.headers.getAll("x-new"), head.headers.get("x-old"), head.authority, head.path, rejected]).toEqual([
    "a, b",
    "2",
    "",
    "/p",
    2,
  ]);
});

test("what can't stand in a message stops at once, in Envoy's words", () => {
  expect(mutate([set("x new", "a")]).why).toBe("header_mutation_set_contains_invalid_character");
  expect(mutate([set("x-new", "a\r\nb: c")]).why).toBe("header_mutation_set_contains_invalid_character");
  expect(mutate([], ["x new"]).why).toBe("header_mutation_remove_contains_invalid_character");
  const many = Array.from({ length: 101 }, (_, i) => set(`x-${i}`, ""));
  expect(mutate(many).why).toBe("header_mutation_operation_count_exceeds_limit");
  expect(mutate([set("x-long", "l".repeat(62_000))]).why).toBe("header_mutation_result_exceeds_limit");
  expect(mutate([set("host", "x")], [], { refuses: true }).why).toBe("header_mutation_set_headers_failed");
  expect(mutate([], ["host"], { routing: true, refuses: true }).why).toBe("header_mutation_remove_headers_failed");
});

test("a length of a body that is still to be processed is left out; a status below 200 is none", () => {
  expect(mutate([set("content-length", "5")]).head.headers.has("content-length")).toBe(false);
  const head = createResponseHead();
  const fields = responseFields(head);
  expect([fields.set(":status", "99"), fields.set(":status", "204"), head.status]).toEqual([false, true, 204]);
});
