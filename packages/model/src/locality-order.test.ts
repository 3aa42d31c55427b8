import { expect, test } from "bun:test";
import { decodeEndpointRequest, encodeEndpointRequest } from "./endpoint-request.ts";
import { orderByLocality } from "./locality-order.ts";
import { localityMatches } from "./locality-request.ts";
import type { Endpoint } from "./workload.ts";

const place = (text: string) => {
  const [region = "", zone = "", subzone = ""] = text.split("/");
  return { region, zone, subzone };
};
const endpoint = (address: string, where: string, labels: Record<string, string> = {}): Endpoint => ({
  address,
  port: 80,
  health: "healthy",
  hostname: "",
  locality: place(where),
  labels,
  meshed: false,
  workload: undefined,
});
const shape = (groups: ReturnType<typeof orderByLocality>) =>
  groups.map(({ priority, weight, endpoints }) => [priority, weight, endpoints.map((e) => e.address).join()]);

test("nearer endpoints come first, without gaps between priorities", () => {
  const endpoints = [endpoint("a", "eu/1/x"), endpoint("b", "eu/2"), endpoint("c", "us/1"), endpoint("d", "eu/1/y")];
  expect(shape(orderByLocality(endpoints, { locality: place("eu/1/x") }))).toEqual([
    [0, undefined, "a"],
    [1, undefined, "d"],
    [2, undefined, "b"],
    [3, undefined, "c"],
  ]);
  expect(shape(orderByLocality(endpoints, { locality: place("asia/9") }))).toEqual([
    [0, undefined, "a"],
    [0, undefined, "b"],
    [0, undefined, "c"],
    [0, undefined, "d"],
  ]);
});

test("labels rank by how many match before the first that does not", () => {
  const endpoints = [endpoint("a", "eu", { v: "1" }), endpoint("b", "us", { v: "1" }), endpoint("c", "eu", { v: "2" })];
  const priority = [
    ["topology.kubernetes.io/region", "eu"],
    ["v", "1"],
  ] as const;
  expect(shape(orderByLocality(endpoints, { locality: place("eu"), priority }))).toEqual([
    [0, undefined, "a"],
    [1, undefined, "c"],
    [2, undefined, "b"],
  ]);
});

test("shares go by pattern, split over what it covers; the rest gets nothing", () => {
  const endpoints = [endpoint("a", "eu/1"), endpoint("b", "us/1"), endpoint("c", "us/2"), endpoint("d", "asia/1")];
  const distribute = { "eu/1": 80, "us/*": 20 };
  expect(shape(orderByLocality(endpoints, { locality: place("eu/1"), distribute }))).toEqual([
    [0, 80, "a"],
    [0, 10, "b"],
    [0, 10, "c"],
  ]);
});

test("requests survive their encoding, and what a client makes up is refused", () => {
  const request = { locality: place("eu/1"), failover: "us" };
  const text = encodeEndpointRequest({ order: request, from: undefined }) ?? "";
  expect(decodeEndpointRequest(text)).toEqual({ order: request, from: undefined });
  for (const text of ["", "x", "e30", Buffer.from('{"locality":{"region":1}}').toString("base64url")])
    expect(decodeEndpointRequest(text)).toBeUndefined();
  expect(localityMatches("eu/*", place("eu/1/x"))).toBe(true);
  expect(localityMatches("eu/2", place("eu/1"))).toBe(false);
});
