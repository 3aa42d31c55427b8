import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { formatIp, parseIp } from "./ip-text.ts";
import type { ProxyHeader } from "./proxy-header.ts";
import { readProxyHeader } from "./read-proxy-header.ts";
import { writeProxyV1, writeProxyV2 } from "./write-proxy-header.ts";

const V4: ProxyHeader = {
  kind: "proxied",
  family: "ipv4",
  source: { host: "10.0.0.1", port: 1234 },
  destination: { host: "10.0.0.2", port: 80 },
  tlvs: [],
};
const V6: ProxyHeader = {
  ...V4,
  family: "ipv6",
  source: { host: "2001:db8::1", port: 1 },
  destination: { host: "::", port: 65_535 },
};
const LOCAL: ProxyHeader = { kind: "local", family: "unknown", source: undefined, destination: undefined, tlvs: [] };

describe("PROXY protocol", () => {
  for (const header of [V4, V6]) {
    for (const [version, bytes] of [
      [1, writeProxyV1(header)],
      [2, writeProxyV2(header)],
    ] as const) {
      test(`round trip ${header.family} v${version}; every prefix asks for more`, () => {
        for (let n = 0; n < bytes.length; n++) expect(readProxyHeader(bytes.subarray(0, n))).toBeUndefined();
        const read = readProxyHeader(Buffer.concat([bytes, Buffer.from("GET")]));
        expect(read).toEqual({ ok: true, value: { header, bytes: bytes.length } });
      });
    }
  }

  test("values of version 2", () => {
    const header = { ...V4, tlvs: [{ type: 2, value: new Uint8Array(Buffer.from("host")) }] };
    expect(readProxyHeader(writeProxyV2(header))).toMatchObject({ ok: true, value: { header } });
  });

  test("health checks and unknown sources", () => {
    expect(readProxyHeader(writeProxyV2(LOCAL))).toMatchObject({ ok: true, value: { header: LOCAL } });
    expect(readProxyHeader(writeProxyV1(LOCAL))).toMatchObject({ ok: true, value: { header: { family: "unknown" } } });
  });

  test("refusals", () => {
    for (const text of [
      "GET / HTTP/1.1",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
      "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 70000\r\n",
      `PROXY ${"x".repeat(120)}`,
    ]) {
      expect(readProxyHeader(Buffer.from(text))?.ok).toBe(false);
    }
    const short = writeProxyV2(V4);
    short.writeUInt16BE(4, 14);
    expect(readProxyHeader(short)?.ok).toBe(false);
  });

  test("damage never throws", () => {
    const random = seededRandom(4);
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(i % 2 === 0 ? writeProxyV2(V6) : writeProxyV1(V4));
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      readProxyHeader(bytes);
    }
  });

  test("addresses", () => {
    for (const text of ["0.0.0.0", "255.1.2.3", "::", "::1", "1::", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8"]) {
      const ip = parseIp(text);
      expect(ip === undefined ? "" : formatIp(ip)).toBe(text);
    }
    expect(formatIp(parseIp("::ffff:1.2.3.4") ?? new Uint8Array(4))).toBe("::ffff:102:304");
    for (const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", ":::", "1::2::3", "12345::", "g::"]) {
      expect(parseIp(text)).toBeUndefined();
    }
  });
});
