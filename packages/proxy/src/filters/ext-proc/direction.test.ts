import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { createHeaderList, createRequestHead, type HeaderList } from "@heddle/wire";
import {
  BodyMutationSchema,
  type CommonResponse,
  CommonResponseSchema,
} from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import type { BodyMode, DirectionMode } from "../../config/filters/processing-mode.ts";
import { BUFFER_BYTES, Direction, type DirectionWay } from "./direction.ts";
import { requestFields } from "./header-fields.ts";

/** A direction with both of its ends. */
function rig(mode: DirectionMode, way: DirectionWay = "asked") {
  const out: string[] = [];
  const told: string[] = [];
  const held: boolean[] = [];
  let body = "";
  let overflows = 0;
  const direction = new Direction(
    {
      passHead: (end) => void out.push(`head ${end}`),
      passData: (bytes, end) => {
        body += Buffer.from(bytes).toString();
        out.push(`data ${end}`);
      },
      passTrailers: () => void out.push("trailers"),
      hold: (now) => void held.push(now),
      overflow: () => {
        overflows++;
      },
    },
    {
      tellHeaders: (_, end) => void told.push(`headers ${end}`),
      tellBody: (_, bytes, end) => void told.push(`body ${bytes.length} ${end}`),
      tellTrailers: () => void told.push("trailers"),
      mutateHead: () => undefined,
      mutateTrailers: () => undefined,
      answered: () => {},
      settled: () => {},
    },
    mode,
    way,
  );
  return {
    direction,
    out,
    told,
    held,
    body: () => body,
    overflows: () => overflows,
    head: (end: boolean) => direction.onHead(requestFields(createRequestHead()), end),
    data: (text: string, end: boolean) => direction.onData(Buffer.from(text), end),
    trailers: (list: HeaderList = createHeaderList()) => direction.onTrailers(list),
  };
}

const mode = (body: BodyMode, headers = true, trailers = false): DirectionMode => ({ headers, body, trailers });
const saying = (text: string, status = 0): CommonResponse =>
  create(CommonResponseSchema, { status, bodyMutation: { mutation: { case: "body", value: Buffer.from(text) } } });

describe("one direction past the processor", () => {
  test("headers wait for their answer, and what comes meanwhile with them", () => {
    const r = rig(mode("none"));
    r.head(false);
    r.data("one", false);
    r.data("two", true);
    expect(r.out).toEqual([]);
    expect(r.told).toEqual(["headers false"]);
    expect(r.direction.onHeadersAnswer(undefined).kind).toBe("taken");
    expect(r.out).toEqual(["head false", "data true"]);
    expect(r.body()).toBe("onetwo");
  });

  test("a buffered body is shown at once when it is complete, with a head that can still be changed", () => {
    const r = rig(mode("buffered"));
    r.head(false);
    r.direction.onHeadersAnswer(undefined);
    r.data("one", false);
    r.data("two", true);
    expect(r.told).toEqual(["headers false", "body 6 true"]);
    expect(r.out).toEqual([]);
    expect(r.direction.head).toBeDefined();
    r.direction.onBodyAnswer(saying("other"));
    expect(r.out).toEqual(["head false", "data true"]);
    expect(r.body()).toBe("other");
  });

  test("a body over the limit is refused where it is buffered, shown in part where that is asked for", () => {
    const whole = rig(mode("buffered"));
    whole.head(false);
    whole.direction.onHeadersAnswer(undefined);
    whole.data("x".repeat(BUFFER_BYTES), false);
    expect(whole.overflows()).toBe(0);
    whole.data("x", false);
    expect(whole.overflows()).toBe(1);
    const part = rig(mode("partial"));
    part.head(false);
    part.direction.onHeadersAnswer(undefined);
    part.data("x".repeat(BUFFER_BYTES + 1), false);
    part.data("rest", true);
    expect(part.told).toEqual(["headers false", `body ${BUFFER_BYTES + 1} false`]);
    part.direction.onBodyAnswer(saying("short "));
    expect(part.body()).toBe("short rest");
    expect(part.out).toEqual(["head false", "data true"]);
  });

  test("the sender pauses while the processor owes answers, and goes on with them", () => {
    const r = rig(mode("streamed"));
    r.head(false);
    r.direction.onHeadersAnswer(undefined);
    r.data("x".repeat(60_000), false);
    expect(r.held).toEqual([]);
    r.data("x".repeat(60_000), false);
    expect(r.held).toEqual([true]);
    r.direction.onBodyAnswer(undefined);
    expect(r.held).toEqual([true, false]);
  });

  test("a duplex body comes from the processor alone", () => {
    const r = rig(mode("duplex", true, true));
    r.head(false);
    r.data("one", true);
    expect(r.told).toEqual(["headers false", "body 3 true"]);
    r.direction.onHeadersAnswer(undefined);
    expect(r.direction.onBodyAnswer(saying("x")).kind).toBe("spurious");
    const parts = (text: string, endOfStream: boolean): CommonResponse =>
      create(CommonResponseSchema, {
        bodyMutation: create(BodyMutationSchema, {
          mutation: { case: "streamedResponse", value: { body: Buffer.from(text), endOfStream } },
        }),
      });
    r.direction.onBodyAnswer(parts("a", false));
    r.direction.onBodyAnswer(parts("b", true));
    expect(r.out).toEqual(["head false", "data false", "data true"]);
    expect(r.body()).toBe("ab");
  });

  test("a replaced message drops what comes of the old one", () => {
    const r = rig(mode("streamed", true, true));
    r.head(false);
    r.data("old", false);
    r.direction.onHeadersAnswer(saying("new", 1));
    r.data("older", true);
    expect(r.body()).toBe("new");
    expect(r.out).toEqual(["head false", "data false", "data true"]);
  });
});

/** Numbers that look random, the same each time. Source: xorshift32. */
function numbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test("whatever a processor answers, and whenever: order is kept, nothing is lost or passed twice, memory is bounded", () => {
  const BODIES: readonly BodyMode[] = ["none", "streamed", "buffered", "partial", "duplex"];
  let agreed = 0;
  for (let seed = 1; seed <= 4000; seed++) {
    const pick = numbers(seed);
    const body = BODIES[pick(BODIES.length)] ?? "none";
    const way: DirectionWay = (["asked", "ahead", "watched"] as const)[pick(3)] ?? "asked";
    const r = rig(mode(body, pick(2) === 0, body === "duplex" || pick(2) === 0), way);
    const events = 1 + pick(6);
    const trailers = pick(2) === 0;
    let sent = "";
    let step = 0;
    let honest = body !== "duplex" || way === "watched";
    let over = false;
    const upload = (): void => {
      if (step === 0) r.head(false);
      else if (step < events) {
        const text = "abc".slice(0, pick(4));
        sent += text;
        r.data(text, !trailers && step === events - 1);
      } else if (step === events && (trailers || events === 1)) {
        if (trailers) r.trailers();
        else r.data("", true);
      }
      step++;
    };
    for (let i = 0; i < 40 && !over; i++) {
      const act = pick(6);
      if (act < 2) upload();
      else {
        const verdict =
          act === 2
            ? r.direction.onHeadersAnswer(undefined)
            : act === 3
              ? r.direction.onBodyAnswer(undefined)
              : act === 4
                ? r.direction.onTrailersAnswer(undefined)
                : { kind: "taken" as const };
        // What was not asked for ends the processor's part.
        if (verdict.kind !== "taken" && pick(3) === 0) {
          r.direction.free();
          over = true;
        }
      }
    }
    while (step <= events) upload();
    r.direction.free();
    if (r.direction.bodyAway) honest = false;
    const { out } = r;
    expect(out.filter((line) => line.startsWith("head"))).toHaveLength(1);
    expect(out[0]).toStartWith("head");
    const ends = out.filter((line) => line === "trailers" || line === "data true" || line === "head true");
    expect([seed, ends.length]).toEqual([seed, 1]);
    expect(out[out.length - 1]).toBe(ends[0] ?? "");
    if (honest) {
      agreed++;
      expect([seed, r.body()]).toEqual([seed, sent]);
    }
  }
  expect(agreed).toBeGreaterThan(2000);
});
