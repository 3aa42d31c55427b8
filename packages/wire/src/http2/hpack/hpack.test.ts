import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { createFlatHeaderList, type FlatHeaderList } from "../../http/flat-header-list.ts";
import { headerListOf } from "../../http/header-list.ts";
import { FramingFields } from "../../http1/framing-fields.ts";
import { createHeadParser, HEAD_DONE } from "../../http1/head-parser.ts";
import { createOutputBuffer, type OutputBuffer } from "../../output-buffer.ts";
import { createHpackDecoder, type FieldSink } from "./decoder.ts";
import { createHpackEncoder } from "./encoder.ts";
import type { HpackField } from "./field.ts";
import { decodeHuffman, encodeHuffman, huffmanLength } from "./huffman.ts";

class Fields implements FieldSink {
  readonly list: [string, string][] = [];
  onField(field: HpackField): void {
    this.list.push([field.name, field.value]);
  }
}

/** The same fields as a list that points into the bytes of an HTTP/1 head. */
function parsedListOf(fields: readonly [string, string][]): FlatHeaderList {
  const lines = new FramingFields();
  const list = createFlatHeaderList();
  lines.begin(list, false);
  const parser = createHeadParser(lines, 65_536, 100);
  parser.begin(true);
  const head = Buffer.from(
    `GET / HTTP/1.1\r\n${fields.map((field) => `${field.join(": ")}\r\n`).join("")}\r\n`,
    "latin1",
  );
  expect(parser.feed(head, 0, head.length)).toBe(HEAD_DONE);
  list.setSource(parser.bytes, parser.base, parser.position);
  return list;
}

function blockOf(output: OutputBuffer): string {
  return output.bytes.toString("hex", output.start, output.end);
}

function decodeHex(decoder: ReturnType<typeof createHpackDecoder>, hex: string): [string, string][] | "error" {
  const fields = new Fields();
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decoder.decode(bytes, 0, bytes.length, fields) ? fields.list : "error";
}

describe("RFC 7541 appendix C", () => {
  const requests: [string, string][] = [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ];

  test("C.3 requests without Huffman", () => {
    const decoder = createHpackDecoder();
    expect(decodeHex(decoder, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d")).toEqual(requests);
    expect(decodeHex(decoder, "8286 84be 5808 6e6f 2d63 6163 6865")).toEqual([
      ...requests,
      ["cache-control", "no-cache"],
    ]);
    expect(decodeHex(decoder, "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65")).toEqual([
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", "www.example.com"],
      ["custom-key", "custom-value"],
    ]);
  });

  test("C.4 requests with Huffman", () => {
    const decoder = createHpackDecoder();
    expect(decodeHex(decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff")).toEqual(requests);
    expect(decodeHex(decoder, "8286 84be 5886 a8eb 1064 9cbf")).toEqual([...requests, ["cache-control", "no-cache"]]);
  });

  test("C.5 responses with a table of 256 bytes: entries are evicted", () => {
    const decoder = createHpackDecoder(256);
    const first =
      "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
    const rest = [
      ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
      ["location", "https://www.example.com"],
    ];
    const cached = ["cache-control", "private"];
    expect(decodeHex(decoder, first)).toEqual([[":status", "302"], cached, ...rest] as [string, string][]);
    expect(decodeHex(decoder, "4803 3330 37c1 c0bf")).toEqual([[":status", "307"], cached, ...rest] as [
      string,
      string,
    ][]);
  });
});

describe("refusals", () => {
  const cases: [string, string][] = [
    ["index 0", "80"],
    ["an index beyond the table", "be"],
    ["a cut off integer", "ff"],
    ["a huge integer", "ffffffffffff00"],
    ["a cut off string", "400a63"],
    ["a size update above the limit", "3fe21f"],
    ["a size update behind a field", "8220"],
    ["Huffman padding of zeros", "408100 0100"],
    ["Huffman padding over seven bits", "4001 61 82 1fff ff"],
    ["Huffman end of string", "4001 61 84 ffffffff"],
  ];
  for (const [name, hex] of cases) {
    test(name, () => expect(decodeHex(createHpackDecoder(), hex)).toBe("error"));
  }
});

describe("Huffman", () => {
  test("round trip of all bytes", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: round % 60 }, () => String.fromCharCode(Math.floor(random() * 256))).join("");
      const coded = Buffer.alloc(huffmanLength(text));
      expect(encodeHuffman(text, coded, 0)).toBe(coded.length);
      const plain = Buffer.alloc(coded.length * 2 + 2);
      const n = decodeHuffman(coded, 0, coded.length, plain);
      expect(plain.toString("latin1", 0, n)).toBe(text);
    }
  });
});

describe("encoder and decoder", () => {
  for (const huffman of [false, true]) {
    test(`agree over many blocks, table sizes and repetitions (huffman: ${huffman})`, () => {
      const random = seededRandom(6);
      const encoder = createHpackEncoder({ huffman });
      const decoder = createHpackDecoder();
      const names = [
        ":path",
        ":method",
        "x-a",
        "x-b",
        "cookie",
        "content-type",
        "x-request-id",
        "accept",
        "user-agent",
      ];
      for (let block = 0; block < 2000; block++) {
        if (block % 97 === 0) encoder.setPeerTableBytes(Math.floor(random() * 4097));
        if (block % 97 === 1) encoder.setPeerTableBytes(4096);
        const fields = Array.from({ length: Math.floor(random() * 12) }, (): [string, string] => [
          names[Math.floor(random() * names.length)] ?? "",
          `v${"x".repeat(Math.floor(random() * 40))}${Math.floor(random() * 4)}`,
        ]);
        const output = createOutputBuffer();
        encoder.begin(output);
        encoder.list(headerListOf(fields), output);
        const seen = new Fields();
        expect(decoder.decode(output.bytes, output.start, output.end, seen)).toBe(true);
        expect(seen.list).toEqual(fields);
      }
    });
  }

  test("header lines that are still bytes become the same block as texts do", () => {
    const random = seededRandom(8);
    const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] ?? "";
    const names = ["date", "etag", "cookie", "Content-Type", "X-Request-Id", "X-Tenant", "x-tonant", "ACCEPT", "age"];
    const values = ["", "a", "b", "text/html", "gzip, deflate", "x".repeat(40), "y".repeat(200), "\xe9"];
    for (const huffman of [false, true]) {
      const texts = createHpackEncoder({ huffman });
      const bytes = createHpackEncoder({ huffman });
      for (let block = 0; block < 2000; block++) {
        if (block % 97 === 0) for (const encoder of [texts, bytes]) encoder.setPeerTableBytes((block * 31) % 4097);
        const fields = Array.from({ length: 12 }, (): [string, string] => [pick(names), pick(values)]);
        const [fromTexts, fromBytes] = [createOutputBuffer(), createOutputBuffer()];
        texts.begin(fromTexts);
        texts.list(headerListOf(fields), fromTexts);
        bytes.begin(fromBytes);
        bytes.list(parsedListOf(fields), fromBytes);
        expect(blockOf(fromBytes)).toBe(blockOf(fromTexts));
        expect(bytes.plainBytes).toBe(texts.plainBytes);
      }
    }
  });

  test("repeated headers shrink to one byte each", () => {
    const encoder = createHpackEncoder();
    const list = headerListOf([
      [":method", "GET"],
      ["user-agent", "curl/8"],
      ["x-tenant", "blue"],
    ]);
    const output = createOutputBuffer();
    encoder.list(list, output);
    output.clear();
    encoder.list(list, output);
    expect(output.length).toBe(3);
  });

  test("damage never throws", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.from(Array.from({ length: 1 + (round % 60) }, () => Math.floor(random() * 256)));
      createHpackDecoder().decode(bytes, 0, bytes.length, new Fields());
    }
  });
});
