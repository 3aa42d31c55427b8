import { at, listOf, literalRegex, recordOf, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";
import type { WrittenRoute } from "./profile-object.ts";

const METHODS = ["delete", "get", "head", "options", "patch", "post", "put"];

/**
 * Routes of an OpenAPI document, version 2 or 3: one for each operation, with its statuses as failures from 500 up.
 * `x-linkerd-retryable` and `x-linkerd-timeout` of an operation or its path are taken along. Source: linkerd pkg/profiles/openapi.go.
 * Errors: UsageError.
 */
export function openApiRoutes(document: unknown, file: string): readonly WrittenRoute[] {
  const paths = Object.entries(recordOf(at(document, "paths")));
  if (paths.length === 0)
    throw new UsageError(
      `${file}: has no paths; expected an OpenAPI document, version 2 (swagger) or 3, in JSON or YAML`,
    );
  const base = basePath(document);
  return paths
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, item]) =>
      METHODS.filter((method) => at(item, method) !== undefined).map((method) =>
        routeOf(method.toUpperCase(), `${base}${path}`, at(item, method), item, `${file}: ${path}`),
      ),
    );
}

/** Version 2 names it; version 3 has it in the first server's address. */
function basePath(document: unknown): string {
  const named = textOf(at(document, "basePath"));
  const server = textOf(at(listOf(at(document, "servers"))[0], "url"));
  const path = named !== "" ? named : server.replace(/^[a-z]+:\/\/[^/]*/i, "");
  return path.replace(/\/+$/, "");
}

function routeOf(method: string, path: string, operation: unknown, item: unknown, where: string): WrittenRoute {
  const timeout = textOf(at(operation, "x-linkerd-timeout")) || textOf(at(item, "x-linkerd-timeout"));
  if (timeout !== "" && !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(timeout))
    throw new UsageError(`${where}: x-linkerd-timeout ${JSON.stringify(timeout)} is no time such as 300ms or 10s`);
  const retryable = at(operation, "x-linkerd-retryable") ?? at(item, "x-linkerd-retryable");
  const classes = Object.keys(recordOf(at(operation, "responses")))
    .filter((status) => /^[1-5]\d\d$/.test(status))
    .sort()
    .map(Number)
    .map((status) => ({
      condition: { status: { min: status, max: status } },
      ...(status >= 500 ? { isFailure: true } : {}),
    }));
  return {
    name: `${method} ${path}`,
    condition: { method, pathRegex: pathRegex(path) },
    ...(classes.length === 0 ? {} : { responseClasses: classes }),
    ...(retryable === true ? { isRetryable: true } : {}),
    ...(timeout === "" ? {} : { timeout }),
  };
}

/** `{id}` stands for one part of a path. */
function pathRegex(path: string): string {
  return path
    .split(/(\{[^}]*\})/)
    .map((part) => (part.startsWith("{") ? "[^/]*" : literalRegex(part)))
    .join("");
}
