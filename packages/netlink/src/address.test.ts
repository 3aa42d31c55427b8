import { describe, expect, test } from "bun:test";
import { formatIp, maskedPrefix, parseIp, parsePrefix } from "./address.ts";

describe("IP addresses", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["::1", "::1"],
    ["::", "::"],
    ["fd00::1:2", "fd00::1:2"],
    ["fe80:0:0:1:0:0:0:9", "fe80:0:0:1::9"],
    ["2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ])("%s reads and prints as %s", (text, printed) => {
    const ip = parseIp(text);
    expect(ip === undefined ? undefined : formatIp(ip.bytes)).toBe(printed);
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.01",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7",
    "g::",
  ])("%p is refused", (text) => expect(parseIp(text)).toBeUndefined());

  test("a prefix keeps only its own bits", () => {
    const prefix = parsePrefix("10.127.255.255/12");
    expect(prefix === undefined ? undefined : formatIp(maskedPrefix(prefix))).toBe("10.112.0.0");
    expect(parsePrefix("10.0.0.0/33")).toBeUndefined();
    expect(parsePrefix("10.0.0.0/x")).toBeUndefined();
    expect(parsePrefix("::1")?.length).toBe(128);
  });
});
