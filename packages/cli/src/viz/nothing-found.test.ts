import { expect, test } from "bun:test";
import { nothingBetween, nothingFound } from "./nothing-found.ts";
import { parseWindow } from "./resource.ts";
import { tapFilter } from "./tap-flags.ts";

test("an empty table says what there is none of, and where to look", () => {
  expect(nothingFound("resources", { kind: "deployment", name: "web", namespace: "x" })).toBe(
    "No resources found. Is it there, with a proxy and traffic? kubectl get deployment web -n x; heddle viz list -n x\n",
  );
  expect(nothingFound("edges", { kind: "pod" })).toContain("kubectl get pod -A; heddle viz list -A");
  expect(nothingFound("resources", { kind: "namespace", name: "x" })).toContain("kubectl get namespace x; ");
  expect(nothingFound("traffic", { kind: "authority" })).not.toContain("kubectl");
  expect(nothingBetween("to", "deployment/nobody", "x")).toContain("no requests --to deployment/nobody in this time");
});

test("times and filters that can hold nothing are refused with what can", () => {
  for (const text of ["0", "0s", "10x", "24h", "361m", "-1m", ""])
    expect(() => parseWindow(text)).toThrow("at most 6h");
  expect(parseWindow("6h")).toBe(6 * 3_600_000);
  const flags = { maxRps: "100" };
  expect(() => tapFilter({ ...flags, method: "GET POST" }, "x")).toThrow("--method GET POST: expected one method");
  expect(() => tapFilter({ ...flags, scheme: "ftp" }, "x")).toThrow("--scheme ftp: expected http or https");
});
