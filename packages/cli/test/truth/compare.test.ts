import { expect, test } from "bun:test";
import { differencesOf } from "./compare.ts";
import { normalise } from "./normalise.ts";
import { argumentsOf } from "./step.ts";

test("finds lines that only one side has, in order", () => {
  expect(differencesOf(["a", "b", "c"], ["a", "c"])).toEqual(["-b"]);
  expect(differencesOf(["a", "b"], ["a", "x", "b", "y"])).toEqual(["+x", "+y"]);
  expect(differencesOf(["a"], ["b"])).toEqual(["-a", "+b"]);
  expect(differencesOf(["a"], ["a"])).toEqual([]);
});

test("evens out what was drawn or measured, and nothing else", () => {
  expect(normalise("web-5d4f8c7b96-x2x4q   1/1   Running   0   27s   10.41.0.7   node9")).toBe(
    "web-<hash>-<id>  1/1  Running  0  <age>  <ip>  <node>",
  );
  expect(normalise('{"b":1,"a":{"d":2,"c":3}}')).toBe('{"a":{"c":3,"d":2},"b":1}');
  expect(normalise("    delay=5s timeout=1s period=10s")).toBe("    delay=5s timeout=1s period=10s");
  expect(normalise("diff -u -N /tmp/LIVE-245679 /tmp/MERGED-1034")).toBe("diff -u -N LIVE MERGED");
  expect(normalise("/tmp/LIVE-24567924/v1.Pod")).toBe("LIVE/v1.Pod");
  expect(normalise("spec.replicas: Invalid value: -1")).toBe("spec.replicas: Invalid value: -1");
});

test("a step is a command line in namespace truth", () => {
  expect(argumentsOf({ run: "exec two -- sh -c 'echo $A b'" })).toEqual([
    "exec",
    "two",
    "-n",
    "truth",
    "--",
    "sh",
    "-c",
    "echo $A b",
  ]);
  expect(argumentsOf({ run: "get pods -A -l 'a in (b)'" })).toEqual(["get", "pods", "-A", "-l", "a in (b)"]);
  expect(argumentsOf({ run: "get --raw '/x?resourceVersion=%VERSION%'" }, new Map([["VERSION", "7"]]))).toEqual([
    "get",
    "--raw",
    "/x?resourceVersion=7",
  ]);
});
