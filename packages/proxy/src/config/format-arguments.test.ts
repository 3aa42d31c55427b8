import { expect, test } from "bun:test";
import { compileFormat, renderFormat } from "./format.ts";
import { commandJson } from "./format-operators.ts";
import { createScope } from "./scope.ts";

const problems = (text: string): readonly string[] => {
  const scope = createScope("format");
  compileFormat(text, scope);
  return scope.problems.map(({ reason }) => reason);
};

test.each([
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(129)%",
  "%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(-1)%",
  "%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(x)%",
  "%REQUESTED_SERVER_NAME(SNI)%",
  "%REQUESTED_SERVER_NAME(HOST_FIRST:PATH)%",
  "%REQUESTED_SERVER_NAME(HOST_FIRST:HOST:HOST)%",
  "%RESPONSE_CODE_DETAILS(SPACES)%",
])("%s is refused with what it takes", (text) => {
  const [problem, ...more] = problems(text);
  expect(more).toEqual([]);
  expect(problem).toContain(text.replace(/%$/, "%: the argument is "));
});

test.each([
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(128)%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT()%",
  "%REQUESTED_SERVER_NAME(SNI_FIRST)%",
  "%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%",
])("%s is taken", (text) => expect(problems(text)).toEqual([]));

test("COALESCE knows constants, nests, and keeps the kind of the value in JSON", () => {
  const scope = createScope("format");
  const inner = JSON.stringify({ operators: ["RESPONSE_CODE", "HOSTNAME"] });
  const format = compileFormat(
    `%COALESCE(${JSON.stringify({ operators: ["ROUTE_NAME", { command: "COALESCE", param: inner }] })}):2%`,
    scope,
  );
  expect(scope.problems).toEqual([]);
  const [command] = format.segments;
  if (command === undefined || typeof command === "string") throw new Error("no command");
  const values = (known: Readonly<Record<string, string>>) => ({
    command: ({ name }: { readonly name: string }) => known[name],
  });
  expect(commandJson(command, values({ RESPONSE_CODE: "200" }))).toBe(200);
  expect(commandJson(command, values({ ROUTE_NAME: "route" }))).toBe("ro");
  expect(commandJson(command, values({}))).toHaveLength(2);
  expect(renderFormat(format, values({ RESPONSE_CODE: "200" }))).toBe("20");
});
