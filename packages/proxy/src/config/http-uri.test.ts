import { expect, test } from "bun:test";
import { splitHttpUri } from "./http-uri.ts";

test("an address is split as it is written", () => {
  expect(splitHttpUri("http://a.b:80/c?d=/e")).toEqual({ authority: "a.b:80", path: "/c?d=/e" });
  expect(splitHttpUri("https://a.b")).toEqual({ authority: "a.b", path: "/" });
  expect(splitHttpUri("a.b:9000")).toEqual({ authority: "a.b:9000", path: "/" });
  expect(splitHttpUri("a.b:4318/v1/traces")).toEqual({ authority: "a.b:4318", path: "/v1/traces" });
  expect(splitHttpUri("/v1/traces")).toEqual({ authority: "", path: "/v1/traces" });
});
