import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createRequestHead } from "@heddle/wire";
import { HeaderMatcherSchema, RouteMatchSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { decodeHeaderMatch } from "../config/header-match.ts";
import { decodeRouteMatch } from "../config/route-match.ts";
import { createScope } from "../config/scope.ts";
import { bytesOfText } from "../config/wire-text.ts";
import { NO_RUNTIME } from "../runtime/runtime.ts";
import { matchesHeader, matchesRoute } from "./route-matcher.ts";

describe("texts beyond ASCII are the bytes of their UTF-8, as in Envoy", () => {
  type Condition = NonNullable<MessageInitShape<typeof HeaderMatcherSchema>["headerMatchSpecifier"]>;
  const string = (matchPattern: object, ignoreCase = false): Condition =>
    ({ case: "stringMatch", value: { matchPattern, ignoreCase } }) as Condition;

  test.each<[string, Condition, boolean]>([
    ["exact", { case: "exactMatch", value: "Zoë" }, true],
    ["prefix", { case: "prefixMatch", value: "Zoë" }, true],
    ["suffix", { case: "suffixMatch", value: "oë" }, true],
    ["contains", { case: "containsMatch", value: "ë" }, true],
    ["regex: a character", { case: "safeRegexMatch", value: { regex: "Zo." } }, true],
    ["string: exact", string({ case: "exact", value: "Zoë" }), true],
    ["string: in any case", string({ case: "contains", value: "zoë" }, true), true],
    ["string: regex", string({ case: "safeRegex", value: { regex: "[a-zA-Zë]+" } }), true],
    ["another", { case: "exactMatch", value: "Zoé" }, false],
  ])("%s", (_name, headerMatchSpecifier, wanted) => {
    const scope = createScope();
    const match = decodeHeaderMatch(create(HeaderMatcherSchema, { name: "x-who", headerMatchSpecifier }), scope);
    const request = createRequestHead();
    request.headers.set("x-who", bytesOfText("Zoë"));
    expect(match && matchesHeader(match, request)).toBe(wanted);
  });

  test.each<[string, MessageInitShape<typeof RouteMatchSchema>]>([
    ["prefix", { pathSpecifier: { case: "prefix", value: "/ü" } }],
    ["path", { pathSpecifier: { case: "path", value: "/üb" } }],
    ["path in any case", { pathSpecifier: { case: "path", value: "/üB" }, caseSensitive: false }],
    ["regex", { pathSpecifier: { case: "safeRegex", value: { regex: "/.b" } } }],
    [
      "query",
      {
        pathSpecifier: { case: "prefix", value: "/" },
        queryParameters: [
          {
            name: "ä",
            queryParameterMatchSpecifier: {
              case: "stringMatch",
              value: { matchPattern: { case: "exact", value: "ö" } },
            },
          },
        ],
      },
    ],
  ])("%s of a path", (_name, message) => {
    const match = decodeRouteMatch(create(RouteMatchSchema, message), createScope());
    const request = createRequestHead();
    request.path = bytesOfText("/üb?ä=ö");
    expect(match && matchesRoute(match, request, false, () => 0, NO_RUNTIME)).toBe(true);
  });
});

describe("what surrounds a request", () => {
  const peer = { uriSans: [], dnsSans: [], subject: "", certificate: undefined };
  const state = { version: "", cipher: "", alpn: undefined, sni: undefined, reused: false };
  const plain = { connection: { tls: undefined }, metadata: undefined };
  const nothing = { connection: { tls: { ...state, peer: undefined } }, metadata: undefined };
  const shown = { connection: { tls: { ...state, peer } }, metadata: undefined };
  const verified = { connection: { tls: { ...state, peer, verified: true } }, metadata: undefined };
  const all = { plain, nothing, shown, verified } as const;
  const found = (match: MessageInitShape<typeof RouteMatchSchema>) => {
    const scope = createScope();
    const route = { pathSpecifier: { case: "prefix", value: "/" } as const, ...match };
    const config = decodeRouteMatch(create(RouteMatchSchema, route), scope);
    expect(scope.problems).toEqual([]);
    const request = createRequestHead();
    request.path = "/";
    const matches = (record: (typeof all)[keyof typeof all] | undefined) =>
      config !== undefined && matchesRoute(config, request, false, () => 0, NO_RUNTIME, record);
    return [
      ...Object.entries(all).flatMap(([name, record]) => (matches(record) ? [name] : [])),
      matches(undefined),
    ].join();
  };

  test.each<[MessageInitShape<typeof RouteMatchSchema>["tlsContext"], string]>([
    [{ presented: true }, "shown,verified,false"],
    [{ presented: false }, "plain,nothing,true"],
    [{ validated: true }, "verified,false"],
    [{ validated: false }, "plain,nothing,shown,true"],
    [{ presented: true, validated: false }, "shown,false"],
    [{}, "plain,nothing,shown,verified,true"],
  ])("%o", (tlsContext, expected) => {
    expect(found(tlsContext === undefined ? {} : { tlsContext })).toBe(expected);
  });

  test("metadata: all conditions hold", () => {
    const message = (filter: string, invert: boolean) => ({
      filter,
      path: [{ segment: { case: "key", value: "a" } as const }],
      value: { matchPattern: { case: "presentMatch", value: true } as const },
      invert,
    });
    const scope = createScope();
    const match = decodeRouteMatch(
      create(RouteMatchSchema, {
        pathSpecifier: { case: "prefix", value: "/" },
        dynamicMetadata: [message("f", false), message("g", true)],
      }),
      scope,
    );
    const request = createRequestHead();
    request.path = "/";
    const of = (metadata: Map<string, { a: string }> | undefined) =>
      match && matchesRoute(match, request, false, () => 0, NO_RUNTIME, { ...plain, metadata });
    expect(of(new Map([["f", { a: "x" }]]))).toBe(true);
    expect(
      of(
        new Map([
          ["f", { a: "x" }],
          ["g", { a: "y" }],
        ]),
      ),
    ).toBe(false);
    expect(of(undefined)).toBe(false);
  });
});
