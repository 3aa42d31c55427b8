import { describe, expect, test } from "bun:test";
import { type SniffedProtocol, sniffProtocol } from "./protocol-sniff.ts";

const cases: [string, SniffedProtocol][] = [
  ["GET / HTTP/1.1\r\n", "http1"],
  ["PROPFIND /dav HTTP/1.1\r\n", "http1"],
  ["POST http://x/ HTTP/1.0\r\n", "http1.0"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
  ["\x16\x03\x01", "tls"],
  ["\x16\x00", "opaque"],
  ["JDWP-Handshake", "opaque"],
  ["EHLO mail.example\r\n", "opaque"],
  ["*1\r\n$4\r\nPING\r\n", "opaque"],
  ["GET key\r\n", "opaque"],
  ["get key\r\n", "opaque"],
  ["\x00\x00\x00\x08", "opaque"],
  ["SSH-2.0-OpenSSH_9\r\n", "opaque"],
];

describe("protocol sniffing", () => {
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => {
      const bytes = Buffer.from(text, "latin1");
      // What is decided early stays decided, and a prefix never decides something else.
      let decided: SniffedProtocol | undefined;
      for (let n = 1; n <= bytes.length; n++) {
        const now = sniffProtocol(bytes.subarray(0, n));
        if (decided !== undefined) expect(now).toBe(decided);
        decided = now;
      }
      expect(decided).toBe(expected);
    });
  }

  test("a long request line of a known method is HTTP", () => {
    expect(sniffProtocol(Buffer.from(`GET /${"a".repeat(5000)}`))).toBe("http1");
    expect(sniffProtocol(Buffer.from("A".repeat(40)))).toBe("opaque");
  });
});
