import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { damaged, seededRandom } from "@heddle/std/damage";
import { ExportTraceServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/trace/v1/trace_service";
import { createHttpLines } from "./tap/http-lines.ts";
import { readTapLine } from "./tap/tap-event.ts";
import { readOtlp } from "./traces/read-otlp.ts";
import { readZipkin } from "./traces/read-zipkin.ts";

// What proxies and applications send: read, or refused by an error that the receiver answers; never half.

/** What JavaScript says when a program is wrong, not its input. */
const BUGS = /undefined is not|null is not|is not a function|is not iterable|Cannot (read|destructure)|out of memory/i;

function refused(error: unknown): void {
  expect(error).toBeInstanceOf(Error);
  if (error instanceof Error) expect(error.message).not.toMatch(BUGS);
}

test("OTLP: damaged bytes give whole spans or an error", () => {
  const random = seededRandom(121);
  const text = (value: string) => ({ value: { case: "stringValue" as const, value } });
  const whole = toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, {
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: text("web") }] },
          scopeSpans: [
            {
              spans: [
                {
                  traceId: new Uint8Array(16).fill(1),
                  spanId: new Uint8Array(8).fill(2),
                  name: "op",
                  kind: 2,
                  startTimeUnixNano: 1_800_000_000_000_000_000n,
                  endTimeUnixNano: 1_800_000_000_100_000_000n,
                  attributes: [
                    { key: "a", value: { value: { case: "arrayValue", value: { values: [text("x"), text("y")] } } } },
                    { key: "b", value: { value: { case: "bytesValue", value: Uint8Array.of(1) } } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    }),
  );
  expect(readOtlp(whole)).toMatchObject([
    {
      service: "web",
      durationUs: 100_000,
      tags: [
        ["a", "x, y"],
        ["b", "01"],
      ],
    },
  ]);
  const seen = { read: 0, refused: 0 };
  for (let round = 0; round < 3000; round++) {
    try {
      for (const span of readOtlp(damaged(whole, random))) {
        expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(Number.isFinite(span.startUs) && span.durationUs >= 0).toBe(true);
      }
      seen.read++;
    } catch (error) {
      refused(error);
      seen.refused++;
    }
  }
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(100);
  // Values within values: an error, not the end of the process.
  let nested: Uint8Array = Uint8Array.of(0x0a, 0x00);
  for (let depth = 0; depth < 5000; depth++) nested = field(5, field(1, nested));
  const deep = field(1, field(2, field(2, field(9, Buffer.concat([field(1, Buffer.from("k")), field(2, nested)])))));
  expect(() => readOtlp(deep)).toThrow();
});

/** A protobuf field of bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}

test("Zipkin: any JSON gives whole spans or an error", () => {
  const random = seededRandom(122);
  const whole = JSON.stringify([
    {
      traceId: "1",
      id: "2",
      parentId: "3",
      name: "op",
      kind: "SERVER",
      shared: true,
      timestamp: 5,
      duration: 6,
      localEndpoint: { serviceName: "web" },
      tags: { a: "b" },
    },
  ]);
  const seen = { read: 0, refused: 0 };
  const read = (json: unknown) => {
    try {
      for (const span of readZipkin(json)) {
        expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect([typeof span.name, typeof span.service]).toEqual(["string", "string"]);
        expect(span.startUs >= 0 && span.durationUs >= 0).toBe(true);
        for (const tag of span.tags) expect(tag.map((part) => typeof part)).toEqual(["string", "string"]);
      }
      seen.read++;
    } catch (error) {
      refused(error);
      seen.refused++;
    }
  };
  for (let round = 0; round < 3000; round++) {
    try {
      read(JSON.parse(damaged(Buffer.from(whole), random).toString("utf8")));
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
    }
  }
  const others = [
    null,
    5,
    "x",
    [],
    {},
    [null],
    [[]],
    [{ traceId: "1", id: "2", tags: [1, { a: 1 }], name: { toString: 5 }, localEndpoint: null }],
  ];
  for (const other of others) read(other);
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(3);
});

test("taps: any cut of damaged bytes gives the same lines and the same end, within its limits", () => {
  const random = seededRandom(123);
  const whole = Buffer.from(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a":1}\n\r\n5\r\n{"pa\n\r\n3;x\r\n\n\u00e9\r\n0\r\n\r\n',
    "utf8",
  );
  const outcome = (bytes: Buffer, cut: () => number): string => {
    const lines: string[] = [];
    const reader = createHttpLines((line) => lines.push(line));
    for (let at = 0; at < bytes.length; ) {
      const size = cut();
      reader.push(bytes.subarray(at, at + size));
      at += size;
    }
    for (const line of lines) readTapLine(line);
    return JSON.stringify([lines, reader.rest(), reader.status, reader.ended]);
  };
  const ends = new Set<string>();
  for (let round = 0; round < 3000; round++) {
    const bytes = damaged(whole, random);
    const once = outcome(bytes, () => bytes.length);
    expect(outcome(bytes, () => 1 + Math.floor(random() * 20))).toBe(once);
    ends.add(once);
  }
  expect(ends.size).toBeGreaterThan(100);
  const piece = Buffer.alloc(64 * 1024, 0x61);
  for (const begin of [
    "",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 500 No\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  ]) {
    const reader = createHttpLines(() => undefined);
    reader.push(Buffer.from(begin));
    for (let i = 0; i < 40; i++) reader.push(piece);
    expect(reader.ended).toBe(true);
    expect(reader.rest().length).toBeLessThan(2 * 1024 * 1024);
  }
});
