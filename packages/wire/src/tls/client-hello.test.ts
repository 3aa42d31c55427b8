import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { readClientHello } from "./client-hello.ts";

/** Builds a ClientHello as a TLS 1.3 client sends it, in records of at most `recordBytes`. */
function hello(serverName: string | null, alpn: string[], recordBytes = 16_384): Buffer {
  const u16 = (n: number) => [n >> 8, n & 255];
  const block = (body: number[]) => [...u16(body.length), ...body];
  const extension = (kind: number, body: number[]) => [...u16(kind), ...block(body)];
  const extensions: number[] = [...extension(0x1a1a, [0])];
  if (serverName !== null) extensions.push(...extension(0, block([0, ...block([...Buffer.from(serverName)])])));
  if (alpn.length > 0) {
    extensions.push(...extension(16, block(alpn.flatMap((name) => [name.length, ...Buffer.from(name)]))));
  }
  extensions.push(...extension(43, [6, 0x7a, 0x7a, 3, 4, 3, 3]));
  const body = [3, 3, ...new Array<number>(32).fill(7), 1, 9, ...block([0x13, 1, 0x13, 2]), 1, 0, ...block(extensions)];
  const message = [1, 0, ...u16(body.length), ...body];
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(22, 3, 1, ...block(message.slice(at, at + recordBytes)));
  }
  return Buffer.from(records);
}

describe("ClientHello", () => {
  test("server name, protocols and version, however the message is cut into records", () => {
    for (const recordBytes of [16_384, 50, 3]) {
      const result = readClientHello(hello("Web.Example", ["istio-http/1.1", "h2"], recordBytes));
      expect(result).toEqual({
        ok: true,
        value: { serverName: "web.example", alpn: ["istio-http/1.1", "h2"], maxVersion: 0x0304 },
      });
    }
  });

  test("every prefix asks for more", () => {
    const bytes = hello("a.b", ["h2"]);
    for (let n = 0; n < bytes.length; n++) expect(readClientHello(bytes.subarray(0, n))).toBeUndefined();
    expect(readClientHello(Buffer.concat([bytes, Buffer.from("more")]))?.ok).toBe(true);
  });

  test("without extensions", () => {
    expect(readClientHello(hello(null, []))).toMatchObject({ ok: true, value: { serverName: "", alpn: [] } });
  });

  test("other bytes are refused at once", () => {
    expect(readClientHello(Buffer.from("GET / HTTP/1.1\r\n"))?.ok).toBe(false);
    expect(readClientHello(Buffer.from([22, 3, 1, 0xff, 0xff]))?.ok).toBe(false);
    expect(readClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]))?.ok).toBe(false);
    expect(readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0]))?.ok).toBe(false);
  });

  test("damage never throws", () => {
    const random = seededRandom(3);
    const clean = hello("web.example", ["h2", "http/1.1"]);
    for (let i = 0; i < 5000; i++) {
      const bytes = Buffer.from(clean);
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      readClientHello(bytes);
    }
  });
});
