import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import type { CompressorOptions, DecompressorOptions } from "../config/filters/compression-library.ts";
import { createGunzipCoder } from "./gunzip-coder.ts";
import { type ByteCoder, createNativeCoder } from "./native-coder.ts";

const never = (): void => undefined;
const UNBOUNDED = { maxRatio: 0, chunkBytes: 1, onFailed: never };

/** Compresses a body; every piece comes out with the bytes that went in, so that streams of events are not held back. */
export function createCompressor(options: CompressorOptions): ByteCoder {
  switch (options.coding) {
    case "gzip":
      return createNativeCoder({
        stream: createGzip({
          level: options.level,
          memLevel: options.memory,
          strategy: options.strategy,
          windowBits: options.windowBits,
        }),
        flushPiece: constants.Z_SYNC_FLUSH,
        flushLast: constants.Z_FINISH,
        ...UNBOUNDED,
      });
    case "br":
      return createNativeCoder({
        stream: createBrotliCompress({
          params: {
            [constants.BROTLI_PARAM_QUALITY]: options.quality,
            [constants.BROTLI_PARAM_MODE]: options.mode,
            [constants.BROTLI_PARAM_LGWIN]: options.windowBits,
            [constants.BROTLI_PARAM_LGBLOCK]: options.blockBits,
            [constants.BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING]: options.noContext ? 1 : 0,
          },
        }),
        flushPiece: constants.BROTLI_OPERATION_FLUSH,
        flushLast: constants.BROTLI_OPERATION_FINISH,
        ...UNBOUNDED,
      });
    case "zstd":
      return createNativeCoder({
        stream: createZstdCompress({
          params: {
            [constants.ZSTD_c_compressionLevel]: options.level,
            [constants.ZSTD_c_checksumFlag]: options.checksum ? 1 : 0,
            ...(options.strategy === 0 ? {} : { [constants.ZSTD_c_strategy]: options.strategy }),
          },
        }),
        flushPiece: constants.ZSTD_e_flush,
        flushLast: constants.ZSTD_e_end,
        ...UNBOUNDED,
      });
  }
}

/** Decompresses a body. A body that ends too early is no error: what there is was passed on. */
export function createDecompressor(options: DecompressorOptions, onFailed: (cause: string) => void): ByteCoder {
  const { maxRatio, chunkBytes } = options;
  const bounds = { maxRatio, chunkBytes, onFailed };
  switch (options.coding) {
    case "gzip":
      return createGunzipCoder(options.windowBits, bounds);
    case "br": {
      const flush = constants.BROTLI_OPERATION_PROCESS;
      return createNativeCoder({ stream: createBrotliDecompress(), flushPiece: flush, flushLast: flush, ...bounds });
    }
    case "zstd": {
      const flush = constants.ZSTD_e_continue;
      return createNativeCoder({ stream: createZstdDecompress(), flushPiece: flush, flushLast: flush, ...bounds });
    }
  }
}
