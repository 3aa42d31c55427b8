import { expect, test } from "bun:test";
import { createAddressPool } from "./address-pool.ts";
import { networkPlan } from "./plan.ts";

test("clusters have disjoint ranges, derived from their index", () => {
  expect(networkPlan(0)).toMatchObject({
    podCidr: "10.40.0.0/16",
    serviceCidr: "10.140.0.0/16",
    nodeIp: "10.40.255.1",
  });
  expect(networkPlan(3)).toMatchObject({
    apiServiceIp: "10.143.0.1",
    dnsServiceIp: "10.143.0.10",
    podCidr: "10.43.0.0/16",
  });
  expect(() => networkPlan(60)).toThrow("at most 60");
  expect(() => networkPlan(-1)).toThrow();
});

test("a freed address is not given again before the others", () => {
  const pool = createAddressPool("10.40.0.0/16");
  const first = pool.take();
  expect(first).toBe("10.40.0.2");
  pool.free(first);
  expect(pool.take()).toBe("10.40.0.3");
});

test("addresses are unique, never the node's, and run out with a sentence", () => {
  const pool = createAddressPool("10.40.0.0/16");
  const taken = new Set<string>();
  for (let i = 0; i < 65_022; i++) taken.add(pool.take());
  expect(taken.size).toBe(65_022);
  expect([...taken].some((ip) => ip.startsWith("10.40.255."))).toBe(false);
  expect(() => pool.take()).toThrow("all 65022 pod addresses");
});
