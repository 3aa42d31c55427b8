import { expect, test } from "bun:test";
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import type { Coding, CompressorOptions, DecompressorOptions } from "../config/filters/compression-library.ts";
import { createCompressor, createDecompressor } from "./body-coders.ts";
import { type ByteCoder, RATIO_EXCEEDED } from "./native-coder.ts";

const COMPRESSORS: readonly CompressorOptions[] = [
  { coding: "gzip", level: -1, memory: 5, strategy: 0, windowBits: 12 },
  { coding: "gzip", level: 9, memory: 9, strategy: 3, windowBits: 15 },
  { coding: "gzip", level: 1, memory: 1, strategy: 2, windowBits: 9 },
  { coding: "br", quality: 3, mode: 0, windowBits: 18, blockBits: 24, noContext: false },
  { coding: "br", quality: 11, mode: 1, windowBits: 10, blockBits: 16, noContext: true },
  { coding: "zstd", level: 3, checksum: false, strategy: 0 },
  { coding: "zstd", level: 19, checksum: true, strategy: 9 },
];
const WHOLE: Record<
  Coding,
  { pack: (b: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer>; unpack: (b: Buffer<ArrayBuffer>) => Buffer }
> = {
  gzip: { pack: gzipSync, unpack: gunzipSync },
  br: { pack: brotliCompressSync, unpack: brotliDecompressSync },
  zstd: { pack: zstdCompressSync, unpack: zstdDecompressSync },
};
const back = (coding: Coding, fields: Partial<DecompressorOptions> = {}): DecompressorOptions => ({
  coding,
  windowBits: 15,
  maxRatio: 100,
  chunkBytes: 4096,
  ...fields,
});

/** Bytes that compress, but not to nothing. */
function sample(size: number, seed: number): Buffer<ArrayBuffer> {
  const out = Buffer.alloc(size);
  let x = seed;
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    out[i] = 97 + ((x >>> 16) % (i % 1000 < 500 ? 4 : 26));
  }
  return out;
}

/** Writes in pieces; says what came out of each, and how often the end was told. */
function run(coder: ByteCoder, body: Buffer, cuts: readonly number[]): { pieces: Buffer[]; ends: number } {
  const pieces: Buffer[] = [];
  let ends = 0;
  const points = [0, ...cuts, body.length];
  for (let i = 1; i < points.length; i++) {
    const out: Buffer[] = [];
    coder.write(body, points[i - 1] ?? 0, points[i] ?? 0, i === points.length - 1, (bytes, length, last) => {
      out.push(Buffer.from(bytes.subarray(0, length)));
      if (last) ends++;
    });
    pieces.push(Buffer.concat(out));
  }
  coder.close();
  coder.close();
  return { pieces, ends };
}

test.each(COMPRESSORS)("what %o makes is what the library reads, however it is cut", (options) => {
  for (const [size, cuts] of [
    [0, []],
    [1, []],
    [300_000, []],
    [300_000, [1, 2, 3, 65_536, 65_536, 200_000]],
    [16_384, [16_383]],
  ] as const) {
    const body = sample(size, 7 + size);
    const { pieces, ends } = run(createCompressor(options), body, cuts);
    expect(WHOLE[options.coding].unpack(Buffer.concat(pieces))).toEqual(body);
    expect(ends).toBe(1);
  }
});

test.each(COMPRESSORS)("every piece comes out of %o at once", (options) => {
  const body = sample(5000, 3);
  const cuts = [10, 20, 1000, 4999];
  const { pieces } = run(createCompressor(options), body, cuts);
  let read = Buffer.alloc(0);
  const reader = createDecompressor(back(options.coding, { maxRatio: 1032 }), (cause) => expect(cause).toBe(""));
  for (const [i, piece] of pieces.entries()) {
    const bytes = Buffer.from(piece);
    reader.write(bytes, 0, bytes.length, false, (out, length) => {
      read = Buffer.concat([read, out.subarray(0, length)]);
    });
    expect(read.length).toBe([...cuts, body.length][i] ?? -1);
  }
  expect(read).toEqual(body);
  reader.close();
});

test.each([
  "gzip",
  "br",
  "zstd",
] as const)("%s: any cut of a body reads the same; what is wrong is told once", (coding) => {
  const body = sample(100_000, 11);
  const packed: Buffer = WHOLE[coding].pack(body);
  const failures: string[] = [];
  for (let seed = 1; seed < 40; seed++) {
    const cuts = [
      sample(2, seed).readUInt16BE() % packed.length,
      sample(2, seed + 99).readUInt16BE() % packed.length,
    ].sort((a, b) => a - b);
    const { pieces, ends } = run(
      createDecompressor(back(coding), (cause) => failures.push(cause)),
      packed,
      cuts,
    );
    expect(Buffer.concat(pieces)).toEqual(body);
    expect(ends).toBe(1);
  }
  expect(failures).toEqual([]);
  const wrong = Buffer.from("this is not what its header says at all");
  expect(
    run(
      createDecompressor(back(coding), (cause) => failures.push(cause)),
      wrong,
      [3, 9],
    ).ends,
  ).toBe(1);
  expect(failures.length).toBe(1);
  // Half a body: what there is, and no error.
  const half = run(
    createDecompressor(back(coding), (cause) => failures.push(cause)),
    packed.subarray(0, packed.length >> 1),
    [],
  );
  expect(body.subarray(0, Buffer.concat(half.pieces).length)).toEqual(Buffer.concat(half.pieces));
  expect(failures.length).toBe(1);
  // Damaged bytes never throw.
  for (let at = 0; at < packed.length; at += 701) {
    const damaged = Buffer.from(packed);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    expect(
      run(
        createDecompressor(back(coding), () => undefined),
        damaged,
        [at],
      ).ends,
    ).toBe(1);
  }
});

test.each(["gzip", "br", "zstd"] as const)("%s: a bomb ends at its bound", (coding) => {
  const bomb: Buffer = WHOLE[coding].pack(Buffer.alloc(8_000_000));
  const failures: string[] = [];
  const { pieces, ends } = run(
    createDecompressor(back(coding), (cause) => failures.push(cause)),
    bomb,
    [],
  );
  expect(Buffer.concat(pieces).length).toBe((Math.trunc((bomb.length * 100) / 4096) + 1) * 4096);
  expect(failures).toEqual([RATIO_EXCEEDED]);
  expect(ends).toBe(1);
});

/** All that comes out, and what failed. */
function unzip(body: Buffer, cuts: readonly number[]): string {
  const failures: string[] = [];
  const { pieces, ends } = run(
    createDecompressor(back("gzip"), (cause) => failures.push(cause)),
    body,
    cuts,
  );
  return [Buffer.concat(pieces).toString(), ends, ...failures].join("|");
}

test("gzip: several members are read whole, other bytes behind them left out, wherever they are cut", () => {
  // A head with extra bytes, a name, a comment and a check of its own.
  const plain = gzipSync("one ");
  const long = Buffer.from([...plain.subarray(0, 3), 2 + 4 + 8 + 16, ...plain.subarray(4, 10), 3, 0, 1, 2, 3]);
  const full = Buffer.concat([long, Buffer.from("name\0comment\0"), Buffer.from([9, 9]), plain.subarray(10)]);
  const two = Buffer.concat([full, gzipSync("two")]);
  for (let cut = 0; cut <= two.length; cut++) {
    expect(unzip(two, [cut])).toBe("one two|1");
    expect(unzip(Buffer.concat([two, Buffer.from("rest")]), [cut])).toBe("one two|1");
  }
  expect(unzip(Buffer.concat([two, two]), [...two.keys()])).toBe("one twoone two|1");
  expect(unzip(Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0]), [])).toBe("|1|Z_DATA_ERROR");
  expect(unzip(Buffer.from([0x1f, 0x8b, 8, 0xff, 0, 0, 0, 0, 0, 0, 0]), [])).toBe("|1|Z_DATA_ERROR");
  expect(unzip(plain.subarray(0, 7), [2])).toBe("|1");
});
