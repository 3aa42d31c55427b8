import { expect, test } from "bun:test";
import { parseResource } from "@heddle/config";
import { parse } from "yaml";
import { openApiRoutes } from "./open-api.ts";
import { profileObject } from "./profile-object.ts";
import { protoRoutes } from "./proto-file.ts";
import { profileTemplate } from "./template.ts";

const isValid = (profile: unknown) => parseResource(profile as Parameters<typeof parseResource>[0]);

test("an OpenAPI document gives a route for each operation", () => {
  const document = {
    swagger: "2.0",
    basePath: "/v1/",
    paths: {
      "/books/{id}.json": {
        "x-linkerd-timeout": "300ms",
        get: { "x-linkerd-retryable": true, responses: { default: {}, 503: {}, 200: {} } },
        put: {},
      },
    },
  };
  const routes = openApiRoutes(document, "books.json");
  expect(routes).toEqual([
    {
      name: "GET /v1/books/{id}.json",
      condition: { method: "GET", pathRegex: "/v1/books/[^/]*\\.json" },
      responseClasses: [
        { condition: { status: { min: 200, max: 200 } } },
        { condition: { status: { min: 503, max: 503 } }, isFailure: true },
      ],
      isRetryable: true,
      timeout: "300ms",
    },
    {
      name: "PUT /v1/books/{id}.json",
      condition: { method: "PUT", pathRegex: "/v1/books/[^/]*\\.json" },
      timeout: "300ms",
    },
  ]);
  expect(isValid(profileObject("books", "shop", "cluster.local", routes)).ok).toBe(true);
  const three = { openapi: "3.0.0", servers: [{ url: "https://a.example/api" }], paths: { "/x": { get: {} } } };
  expect(openApiRoutes(three, "x")[0]?.name).toBe("GET /api/x");
  expect(() => openApiRoutes({ kind: "Service" }, "s.yaml")).toThrow("s.yaml: has no paths");
  expect(() => openApiRoutes({ paths: { "/a": { get: { "x-linkerd-timeout": "soon" } } } }, "a")).toThrow(
    'a: /a: x-linkerd-timeout "soon" is no time',
  );
});

test("a .proto file gives a route for each method", () => {
  const text = `syntax = "proto3"; package shop.v1; // service Old { rpc Gone (A) returns (B); }
    service Books { rpc Get (Id) returns (Book) { option (google.api.http) = { get: "/a{b}" }; } rpc List (stream Q) returns (stream Book); }
    /* rpc No ( */ service Other { rpc Do(A) returns (B); }`;
  expect(protoRoutes(text, "b.proto").map(({ name, condition }) => [name, condition.pathRegex])).toEqual([
    ["Get", "/shop\\.v1\\.Books/Get"],
    ["List", "/shop\\.v1\\.Books/List"],
    ["Do", "/shop\\.v1\\.Other/Do"],
  ]);
  expect(() => protoRoutes("message A {}", "a.proto")).toThrow("a.proto: has no service");
});

test("the template can be applied as it is", () => {
  expect(isValid(parse(profileTemplate("web", "shop", "cluster.local"))).ok).toBe(true);
});
