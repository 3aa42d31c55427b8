import {
  type Brotli,
  Brotli_EncoderMode,
  BrotliSchema,
} from "@heddle/xds-api/envoy/extensions/compression/brotli/compressor/v3/brotli";
import { BrotliSchema as BrotliBackSchema } from "@heddle/xds-api/envoy/extensions/compression/brotli/decompressor/v3/brotli";
import {
  type Gzip,
  Gzip_CompressionStrategy,
  GzipSchema,
} from "@heddle/xds-api/envoy/extensions/compression/gzip/compressor/v3/gzip";
import {
  type Gzip as GzipBack,
  GzipSchema as GzipBackSchema,
} from "@heddle/xds-api/envoy/extensions/compression/gzip/decompressor/v3/gzip";
import { type Zstd, ZstdSchema } from "@heddle/xds-api/envoy/extensions/compression/zstd/compressor/v3/zstd";
import { ZstdSchema as ZstdBackSchema } from "@heddle/xds-api/envoy/extensions/compression/zstd/decompressor/v3/zstd";
import { type AnyTable, decodeAny, messageEntry } from "../any-field.ts";
import type { TypedExtensionConfig } from "../proto.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** The codings that the proxy knows, in HTTP's names. */
export type Coding = "gzip" | "br" | "zstd";

/** How bodies are compressed. */
export type CompressorOptions =
  | {
      readonly coding: "gzip";
      /** 1…9; -1: the library's own choice. */
      readonly level: number;
      readonly memory: number;
      /** zlib's number. */
      readonly strategy: number;
      readonly windowBits: number;
    }
  | {
      readonly coding: "br";
      readonly quality: number;
      /** brotli's number. */
      readonly mode: number;
      readonly windowBits: number;
      readonly blockBits: number;
      readonly noContext: boolean;
    }
  | {
      readonly coding: "zstd";
      readonly level: number;
      readonly checksum: boolean;
      /** 0: what the level stands for. */
      readonly strategy: number;
    };

/** How they are decompressed. */
export interface DecompressorOptions {
  readonly coding: Coding;
  /** Of gzip; larger windows of the sender are an error. */
  readonly windowBits: number;
  /** What comes out of a piece may be this many times as long as the piece. */
  readonly maxRatio: number;
  /** The bound above is looked at after as many bytes as these. */
  readonly chunkBytes: number;
}

/** A library with the name that statistics have for it. */
export interface Library<O> {
  readonly name: string;
  readonly options: O;
}

/** Envoy's names of the codings in statistics. */
export const CODING_STAT = { gzip: "gzip", br: "brotli", zstd: "zstd" } as const satisfies Record<Coding, string>;

const BUFFER = { chunk_size: "size of Envoy's own output buffers; what is sent is the same" };

export const GZIP_SHAPE = shape(
  GzipSchema,
  ["memory_level", "compression_level", "compression_strategy", "window_bits"],
  BUFFER,
);
export const BROTLI_SHAPE = shape(
  BrotliSchema,
  ["quality", "encoder_mode", "window_bits", "input_block_bits", "disable_literal_context_modeling"],
  BUFFER,
);
export const ZSTD_SHAPE = shape(ZstdSchema, ["compression_level", "enable_checksum", "strategy"], BUFFER, {
  dictionary: "dictionaries are not implemented: clients can't be told which one was used",
});
export const GZIP_BACK_SHAPE = shape(GzipBackSchema, ["window_bits", "chunk_size", "max_inflate_ratio"]);
export const BROTLI_BACK_SHAPE = shape(BrotliBackSchema, [], {
  ...BUFFER,
  disable_ring_buffer_reallocation: "how Envoy's library allocates its memory",
});
export const ZSTD_BACK_SHAPE = shape(ZstdBackSchema, [], BUFFER, { dictionaries: "dictionaries are not implemented" });

const DEFAULT_RATIO = 100;
const DEFAULT_CHUNK = 4096;
/** What these libraries give at once, whatever its bound; seen in Envoy 1.40, 2026-11-22. Units: bytes. */
const BROTLI_PIECE = 16_384;
const ZSTD_BLOCK = 131_072;

const COMPRESSORS: AnyTable<CompressorOptions> = {
  [GzipSchema.typeName]: messageEntry(GzipSchema, gzip),
  [BrotliSchema.typeName]: messageEntry(BrotliSchema, brotli),
  [ZstdSchema.typeName]: messageEntry(ZstdSchema, zstd),
};

const DECOMPRESSORS: AnyTable<DecompressorOptions> = {
  [GzipBackSchema.typeName]: messageEntry(GzipBackSchema, gzipBack),
  [BrotliBackSchema.typeName]: messageEntry(BrotliBackSchema, (message, scope) => {
    checkShape(BROTLI_BACK_SHAPE, message, scope);
    within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size"));
    return { coding: "br", windowBits: 0, maxRatio: DEFAULT_RATIO, chunkBytes: BROTLI_PIECE };
  }),
  [ZstdBackSchema.typeName]: messageEntry(ZstdBackSchema, (message, scope) => {
    checkShape(ZSTD_BACK_SHAPE, message, scope);
    within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size"));
    return { coding: "zstd", windowBits: 0, maxRatio: DEFAULT_RATIO, chunkBytes: ZSTD_BLOCK };
  }),
};

/** Libraries that the proxy has; for the reference. */
export const COMPRESSION_LIBRARY_TYPES: readonly string[] = [
  ...Object.keys(COMPRESSORS),
  ...Object.keys(DECOMPRESSORS),
];

/** Errors: none, or one that this proxy does not have; values that Envoy does not take. */
export function decodeCompressorLibrary(
  message: TypedExtensionConfig | undefined,
  scope: DecodeScope,
): Library<CompressorOptions> | undefined {
  return library(message, COMPRESSORS, scope);
}

/** The same for the way back. */
export function decodeDecompressorLibrary(
  message: TypedExtensionConfig | undefined,
  scope: DecodeScope,
): Library<DecompressorOptions> | undefined {
  return library(message, DECOMPRESSORS, scope);
}

function library<O>(
  message: TypedExtensionConfig | undefined,
  table: AnyTable<O>,
  scope: DecodeScope,
): Library<O> | undefined {
  if (message === undefined) {
    scope.problem("is required");
    return undefined;
  }
  if (message.name === "") scope.field("name").problem("is required: statistics have it in their names");
  const options = decodeAny(message.typedConfig, table, scope.field("typed_config"));
  return options === undefined ? undefined : { name: message.name, options };
}

function gzip(message: Gzip, scope: DecodeScope): CompressorOptions {
  checkShape(GZIP_SHAPE, message, scope);
  const { compressionLevel: level, compressionStrategy: strategy } = message;
  within(level, 0, 0, 9, scope.field("compression_level"));
  within(strategy, 0, 0, Gzip_CompressionStrategy.FIXED, scope.field("compression_strategy"));
  within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size"));
  return {
    coding: "gzip",
    level: level === 0 ? -1 : level,
    memory: within(message.memoryLevel, 5, 1, 9, scope.field("memory_level")),
    strategy,
    windowBits: within(message.windowBits, 12, 9, 15, scope.field("window_bits")),
  };
}

/** Source: Envoy `EncoderMode`, whose first value is the library's default. */
const BROTLI_MODES = new Map<Brotli_EncoderMode, number>([
  [Brotli_EncoderMode.DEFAULT, 0],
  [Brotli_EncoderMode.GENERIC, 0],
  [Brotli_EncoderMode.TEXT, 1],
  [Brotli_EncoderMode.FONT, 2],
]);

function brotli(message: Brotli, scope: DecodeScope): CompressorOptions {
  checkShape(BROTLI_SHAPE, message, scope);
  const mode = BROTLI_MODES.get(message.encoderMode);
  if (mode === undefined) scope.field("encoder_mode").problem(`${message.encoderMode} is not a mode`);
  within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size"));
  return {
    coding: "br",
    quality: within(message.quality, 3, 0, 11, scope.field("quality")),
    mode: mode ?? 0,
    windowBits: within(message.windowBits, 18, 10, 24, scope.field("window_bits")),
    blockBits: within(message.inputBlockBits, 24, 16, 24, scope.field("input_block_bits")),
    noContext: message.disableLiteralContextModeling,
  };
}

function zstd(message: Zstd, scope: DecodeScope): CompressorOptions {
  checkShape(ZSTD_SHAPE, message, scope);
  within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size"));
  // Source: Envoy's library takes higher ones for its highest.
  const level = Math.min(message.compressionLevel ?? 3, 22);
  return {
    coding: "zstd",
    level: level === 0 ? 3 : level,
    checksum: message.enableChecksum,
    strategy: within(message.strategy, 0, 0, 9, scope.field("strategy")),
  };
}

function gzipBack(message: GzipBack, scope: DecodeScope): DecompressorOptions {
  checkShape(GZIP_BACK_SHAPE, message, scope);
  return {
    coding: "gzip",
    windowBits: within(message.windowBits, 15, 9, 15, scope.field("window_bits")),
    maxRatio: within(message.maxInflateRatio, DEFAULT_RATIO, 1, 1032, scope.field("max_inflate_ratio")),
    chunkBytes: within(message.chunkSize, DEFAULT_CHUNK, 4096, 65_536, scope.field("chunk_size")),
  };
}

function within(value: number | undefined, absent: number, least: number, most: number, scope: DecodeScope): number {
  if (value === undefined) return absent;
  if (value < least || value > most) scope.problem(`${value} is not within ${least} and ${most}`);
  return value;
}
