import { expect, test } from "bun:test";
import type { HappyEyeballsConfig } from "../config/happy-eyeballs.ts";
import { orderAddresses } from "./address-order.ts";

test.each<[given: string, config: HappyEyeballsConfig, wanted: string]>([
  ["4a 4b 6a 6b", { first: "given", count: 1 }, "4a 6a 4b 6b"],
  ["6a 4a 4b 4c", { first: "given", count: 1 }, "6a 4a 4b 4c"],
  ["4a 4b 6a 6b 6c", { first: "v6", count: 1 }, "6a 4a 6b 4b 6c"],
  ["4a 4b 6a 6b 6c 6d", { first: "v6", count: 3 }, "6a 6b 6c 4a 6d 4b"],
  ["4a 4b 4c", { first: "v6", count: 1 }, "4a 4b 4c"],
  ["6a 4a", { first: "v4", count: 2 }, "4a 6a"],
  ["4a", { first: "v6", count: 9 }, "4a"],
])("%s", (given, config, wanted) => {
  const addresses = given.split(" ").map((name) => ({
    ip: name.startsWith("6") ? `::${name.charCodeAt(1)}` : `10.0.0.${name.charCodeAt(1)}`,
    port: 1,
  }));
  const names = orderAddresses(addresses, config).map(({ ip }) =>
    ip.includes(":") ? `6${String.fromCharCode(Number(ip.slice(2)))}` : `4${String.fromCharCode(Number(ip.slice(7)))}`,
  );
  expect(names.join(" ")).toBe(wanted);
});
