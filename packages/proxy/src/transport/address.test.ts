import { expect, test } from "bun:test";
import { maskIp, parseAddress } from "./address.ts";

test.each([
  ["1.2.3.4:80", { ip: "1.2.3.4", port: 80 }],
  ["[::1]:8080", { ip: "::1", port: 8080 }],
  ["1.2.3.4", undefined],
  ["a.b:80", undefined],
  ["1.2.3.4:0", undefined],
  ["1.2.3.4:70000", undefined],
  ["1.2.3.400:80", undefined],
  ["", undefined],
])("address %s", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each([
  ["10.1.2.3", 16, 64, "10.1.0.0/16"],
  ["10.1.2.3", 32, 64, "10.1.2.3/32"],
  ["10.1.255.3", 20, 64, "10.1.240.0/20"],
  ["2001:db8:1:2:3::4", 16, 64, "2001:db8:1:2::/64"],
  ["10.1.2.3", 0, 0, "0.0.0.0/0"],
  ["name", 8, 8, undefined],
])("%s within %d or %d bits", (ip, v4, v6, masked) => {
  expect(maskIp(ip, v4, v6)).toBe(masked);
});
