import { expect, test } from "bun:test";
import { enforceHost } from "./enforced-host.ts";

test("names are those of the expression; addresses, by which the API server comes, are nobody's name", () => {
  const refused = enforceHost("^mesh\\.example(:\\d+)?$");
  const asked = ["mesh.example", "mesh.example:8080", "10.41.0.10:8085", "127.0.0.1", "[::1]:8085", "[fd00::7]"];
  expect(asked.filter(refused)).toEqual([]);
  const others = ["evil.example", "mesh.example.evil", "10.41.0.10.evil.example:80", "", "localhost"];
  expect(others.filter(refused)).toEqual(others);
  expect(() => enforceHost("(")).toThrow();
});
