import { describe, expect, test } from "bun:test";
import { parseResource } from "../resources.ts";
import { alternativesOf, type RequestCondition } from "./request-condition.ts";
import { statusMeets } from "./response-condition.ts";

const profile = (spec: object) =>
  parseResource({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name: "web.shop.svc.cluster.local", namespace: "shop" },
    spec,
  });

const shown = (condition: RequestCondition) =>
  alternativesOf(condition)?.map((way) => way.map(({ value, negated }) => `${negated ? "!" : ""}${value}`).join(" "));

describe("conditions of a ServiceProfile", () => {
  test("become a list of ways to match", () => {
    expect(shown({ method: "get", pathRegex: "/a" })).toEqual(["GET /a"]);
    expect(shown({ any: [{ method: "GET" }, { all: [{ method: "PUT" }, { pathRegex: "/b" }] }] })).toEqual([
      "GET",
      "PUT /b",
    ]);
    expect(shown({ not: { any: [{ method: "GET" }, { pathRegex: "/a" }] } })).toEqual(["!GET !/a"]);
    expect(shown({ not: { method: "GET", pathRegex: "/a" } })).toEqual(["!GET", "!/a"]);
    expect(shown({ method: "GET", not: { all: [{ pathRegex: "/a" }, { pathRegex: "/b" }] } })).toEqual([
      "GET !/a",
      "GET !/b",
    ]);
  });

  test("say which statuses they mean", () => {
    const condition = { all: [{ status: { min: 400, max: 499 } }, { not: { status: { min: 404, max: 404 } } }] };
    expect([403, 404, 500].map((status) => statusMeets(condition, status))).toEqual([true, false, false]);
  });

  test("are refused with their place", () => {
    const reasons = (spec: object) => {
      const read = profile(spec);
      return read.ok ? [] : read.problems.map((p) => `${p.path}: ${p.reason}`);
    };
    const route = (condition: unknown, more: object = {}) => ({ routes: [{ name: "a", condition, ...more }] });
    expect(reasons(route({ pathRegexp: "/a" }))).toEqual([
      "spec.routes[0].condition.pathRegexp: unknown field; did you mean pathRegex?",
    ]);
    expect(reasons(route({}))[0]).toStartWith("spec.routes[0].condition: is empty");
    expect(reasons(route({ any: [{ pathRegex: "(" }] }))[0]).toStartWith(
      "spec.routes[0].condition.any[0].pathRegex: is not a regular expression",
    );
    expect(
      reasons(route({ all: Array.from({ length: 6 }, () => ({ any: [{ method: "A" }, { method: "B" }] })) })),
    ).toEqual(["spec.routes[0].condition: has more than 32 ways to match; split it into several routes of one name"]);
    const classes = { responseClasses: [{ condition: { status: { min: 500, max: 400 } } }] };
    expect(reasons(route({ method: "GET" }, classes))[0]).toStartWith(
      "spec.routes[0].responseClasses[0].condition.status: expected min and max",
    );
    let nested: object = { method: "GET" };
    for (let i = 0; i < 20; i++) nested = { not: nested };
    expect(reasons(route(nested))[0]).toContain("nested deeper than 10");
    expect(reasons({ retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: "10" } })[0]).toStartWith(
      "spec.retryBudget.ttl: expected a duration",
    );
  });

  test("a whole profile is read", () => {
    const read = profile({
      routes: [{ name: "GET /", condition: { method: "GET", pathRegex: "/" }, timeout: "1s", isRetryable: true }],
      retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: "10s" },
      dstOverrides: [{ authority: "web-2.shop.svc.cluster.local:80", weight: "900m" }],
    });
    expect(read.ok).toBe(true);
  });
});
