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
