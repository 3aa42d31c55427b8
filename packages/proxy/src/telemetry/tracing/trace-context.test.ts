import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { headerListOf } from "@heddle/wire";
import { createRuntime, NO_RUNTIME } from "../../runtime/runtime.ts";
import { B3_MULTI, B3_SINGLE, createTraceIds, readTraceContext, W3C, writeTraceContext } from "./trace-context.ts";
import { decideTrace } from "./trace-decision.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test("a context is read from each form; W3C's counts first", () => {
  const read = (headers: Record<string, string>) => readTraceContext(headerListOf(Object.entries(headers)));
  const context = { traceId: TRACE, spanId: SPAN, parentId: "", sampled: true };
  expect(read({ traceparent: `00-${TRACE}-${SPAN}-01` })).toEqual({ ...context, forms: W3C });
  expect(read({ traceparent: `cc-${TRACE}-${SPAN}-00-later` })).toEqual({ ...context, sampled: false, forms: W3C });
  expect(read({ b3: `${TRACE}-${SPAN}-1` })).toEqual({ ...context, forms: B3_SINGLE });
  expect(read({ b3: `${TRACE}-${SPAN}` })?.sampled).toBeUndefined();
  expect(read({ b3: "0" })).toEqual({ ...context, traceId: "", spanId: "", sampled: false, forms: B3_SINGLE });
  expect(read({ "X-B3-TraceId": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1" })).toEqual({
    ...context,
    forms: B3_MULTI,
  });
  const both = read({ traceparent: `00-${TRACE}-${SPAN}-01`, b3: "0" });
  expect(both).toEqual({ ...context, forms: W3C | B3_SINGLE });
});

test("what is malformed is as if it were not there", () => {
  const parents = [
    "",
    "00",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0g`,
    `00_${TRACE}-${SPAN}-01`,
    `00-${TRACE}_${SPAN}-01`,
    `00-${TRACE}-${SPAN}_01`,
    `cc-${TRACE}-${SPAN}-01more`,
    `cc-${TRACE}-${SPAN}-0`,
    `g0-${TRACE}-${SPAN}-01`,
  ];
  for (const traceparent of parents)
    expect(readTraceContext(headerListOf([["traceparent", traceparent]]))).toBeUndefined();
  expect(readTraceContext(headerListOf([["b3", "x-y-1"]]))).toBeUndefined();
  expect(readTraceContext(headerListOf([["b3", `${TRACE}-${SPAN}-1-not hexadecimal`]]))).toBeUndefined();
});

test("a damaged context is none, or one that can be written again", () => {
  const random = seededRandom(53);
  const forms = [
    ["traceparent", `00-${TRACE}-${SPAN}-01`],
    ["b3", `${TRACE}-${SPAN}-1-${SPAN}`],
    ["x-b3-traceid", TRACE],
  ] as const;
  let read = 0;
  for (let round = 0; round < 3000; round++) {
    const [name, value] = forms[round % forms.length] ?? forms[0];
    const text = damaged(Buffer.from(value), random).toString("latin1");
    const context = readTraceContext(
      headerListOf([
        [name, text],
        ["x-b3-spanid", SPAN],
      ]),
    );
    if (context === undefined) continue;
    read++;
    for (const id of [context.traceId, context.spanId, context.parentId])
      expect(id).toMatch(/^([\da-f]{16}|[\da-f]{32})?$/);
  }
  expect(read).toBeGreaterThan(10);
});

test("writing and reading agree, in every form", () => {
  for (const forms of [W3C, B3_MULTI, B3_SINGLE]) {
    for (const sampled of [true, false]) {
      const headers = headerListOf([]);
      const context = {
        traceId: TRACE,
        spanId: SPAN,
        parentId: forms === W3C ? "" : createTraceIds(() => 0.5).next(),
        sampled,
      };
      writeTraceContext(headers, context, forms);
      expect(readTraceContext(headers)).toEqual({ ...context, forms });
    }
  }
  expect(createTraceIds(() => 0).next()).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
  expect(createTraceIds(() => 0.9999999999).next()).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
});

test("the request id decides, and says what was decided", () => {
  const ids = { packReason: true, decides: true };
  const decide = (
    id: string,
    shares: Partial<Record<"client" | "random" | "overall", number>>,
    extra = {},
    runtime = NO_RUNTIME,
  ) => {
    const headers = headerListOf([["x-request-id", id], ...Object.entries<string>(extra)]);
    const sampling = {
      client: { key: "tracing.client_enabled", base: shares.client ?? 1 },
      random: { key: "tracing.random_sampling", base: shares.random ?? 1 },
      overall: { key: "tracing.global_enabled", base: shares.overall ?? 1 },
    };
    const reason = decideTrace(headers, sampling, ids, () => 0, runtime);
    return [reason, headers.get("x-request-id")?.[14]];
  };
  // 0x63 = 99 of 10,000: within the first percent.
  const low = "00000063-0000-4000-8000-000000000000";
  const high = "00000064-0000-4000-8000-000000000000";
  expect(decide(low, { random: 0.01 })).toEqual(["random_sampling", "9"]);
  expect(decide(high, { random: 0.01 })).toEqual(["not_traceable", "4"]);
  expect(decide(high, { random: 0 }, { "x-envoy-force-trace": "1" })).toEqual(["service_forced", "a"]);
  expect(decide(high, { random: 0 }, { "x-client-trace-id": "1" })).toEqual(["client_enabled", "b"]);
  expect(decide(high.replace("-4", "-9"), { random: 0 })).toEqual(["random_sampling", "9"]);
  expect(decide(high.replace("-4", "-a"), { overall: 0.01 })).toEqual(["not_traceable", "4"]);
  expect(decide("mine", { random: 1 })).toEqual(["not_traceable", undefined]);
  // The runtime's shares replace the configuration's.
  const runtime = createRuntime({ layers: [{ name: "admin", values: {} }], adminLayer: "admin" });
  runtime.modify([["tracing.random_sampling", "0"]]);
  expect(decide(low, {}, {}, runtime)).toEqual(["not_traceable", "4"]);
  runtime.modify([["tracing.random_sampling", '{"numerator":99,"denominator":"TEN_THOUSAND"}']]);
  expect(decide("00000062-0000-4000-8000-000000000000", { random: 0 }, {}, runtime)).toEqual(["random_sampling", "9"]);
  expect(decide(low, { random: 1 }, {}, runtime)).toEqual(["not_traceable", "4"]);
  runtime.modify([["tracing.global_enabled", "0"]]);
  expect(decide(high, {}, { "x-envoy-force-trace": "1" }, runtime)).toEqual(["not_traceable", "4"]);
});
