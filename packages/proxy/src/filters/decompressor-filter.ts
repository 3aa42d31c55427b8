import type { HeaderList } from "@heddle/wire";
import { createDecompressor } from "../compression/body-coders.ts";
import { RATIO_EXCEEDED } from "../compression/native-coder.ts";
import { CODING_STAT, type Coding } from "../config/filters/compression-library.ts";
import type { DecompressedDirection, DecompressorConfig } from "../config/filters/decompressor.ts";
import { type CodedBody, CodedStream } from "../http/coded-stream.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

/** Decompresses bodies as they pass. Source: Envoy `envoy.filters.http.decompressor`. */
class DecompressorFilter implements HttpFilter {
  readonly #config: DecompressorConfig;
  readonly #around: FilterSurroundings;
  readonly #coding: Coding;
  /** Of its statistics. */
  readonly #prefix: string;
  /** Of the trailers that say how long bodies were. */
  readonly #trailer: string;

  constructor(config: DecompressorConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#coding = config.library.options.coding;
    this.#prefix = decompressorPrefix(config);
    this.#trailer = `x-envoy-decompressor-${config.library.name}-`.toLowerCase();
  }

  onRequest(call: FilterCall): boolean {
    const { headers } = call.request;
    const { request, response, advertises } = this.#config;
    const { runtime } = this.#around;
    if (advertises && runtime.flag(response.enabled)) advertise(headers, this.#coding);
    let stream: CodedStream | undefined;
    call.replaceClient((client) => {
      stream = new CodedStream(client);
      return stream;
    });
    if (call.hasBody) {
      const body = this.#begin(headers, request, "request.", (taken, made) => call.adjustBytes(taken - made, 0));
      if (body !== undefined) {
        rewriteArrived(call, body);
        stream?.codeRequest(body);
      }
    }
    call.onResponse((head, endStream) => {
      if (endStream) return;
      const body = this.#begin(head.headers, response, "response.", (taken, made) => call.adjustBytes(0, made - taken));
      if (body !== undefined) stream?.codeResponse(body);
    });
    return true;
  }

  /** Undefined: the body stays as it is. */
  #begin(
    headers: HeaderList,
    direction: DecompressedDirection,
    way: "request." | "response.",
    adjust: (taken: number, made: number) => void,
  ): CodedBody | undefined {
    const { runtime } = this.#around;
    const codings = headers.getAll("content-encoding");
    const [first = "", ...others] = codings?.split(",") ?? [];
    if (
      first.trim().toLowerCase() !== this.#coding ||
      !runtime.flag(direction.enabled) ||
      (!direction.ignoresNoTransform && forbids(headers.getAll("cache-control")))
    ) {
      this.#count(`${way}not_decompressed`);
      return undefined;
    }
    this.#count(`${way}decompressed`);
    headers.remove("content-length");
    if (others.length === 0) headers.remove("content-encoding");
    else headers.set("content-encoding", others.join(",").trim());
    let before = 0;
    let after = 0;
    return {
      coder: createDecompressor(this.#config.library.options, (cause) => this.#failed(cause)),
      onPiece: (taken, made) => {
        before += taken;
        after += made;
        adjust(taken, made);
        this.#count(`${way}total_compressed_bytes`, taken);
        this.#count(`${way}total_uncompressed_bytes`, made);
      },
      trailers: (trailers) => {
        trailers.append(`${this.#trailer}compressed-bytes`, String(before));
        trailers.append(`${this.#trailer}uncompressed-bytes`, String(after));
      },
    };
  }

  #failed(cause: string): void {
    const name = cause === RATIO_EXCEEDED ? RATIO_STAT[this.#coding] : errorStat(this.#coding, cause);
    this.#count(`decompressor_library.${name}`);
  }

  #count(name: string, by = 1): void {
    this.#around.count(this.#prefix + name, by);
  }
}

function rewriteArrived(call: FilterCall, body: CodedBody): void {
  call.rewriteBody((bytes, complete) => {
    const out: Buffer[] = [];
    body.coder.write(bytes, 0, bytes.length, complete, (piece, length) =>
      out.push(Buffer.from(piece.subarray(0, length))),
    );
    const plain = Buffer.concat(out);
    body.onPiece(bytes.length, plain.length);
    return plain;
  }, body.trailers);
}

/** Tells the server that it may answer in this coding, before all that the client likes less. */
function advertise(headers: HeaderList, coding: Coding): void {
  const others = (headers.getAll("accept-encoding") ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "" && item.split(";", 1)[0] !== coding);
  headers.set("accept-encoding", [...others, coding].join(","));
}

function forbids(cacheControl: string | undefined): boolean {
  return cacheControl?.split(",").some((item) => item.trim().toLowerCase() === "no-transform") === true;
}

/** Envoy counts a bomb with what is wrong in itself. */
const RATIO_STAT = { gzip: "zlib_data_error", br: "brotli_error", zstd: "zstd_generic_error" } as const;

function errorStat(coding: Coding, cause: string): string {
  switch (coding) {
    case "gzip":
      if (cause === "Z_MEM_ERROR") return "zlib_mem_error";
      return cause === "Z_BUF_ERROR" ? "zlib_buf_error" : "zlib_data_error";
    case "br":
      return "brotli_error";
    case "zstd":
      if (cause.includes("checksum")) return "zstd_checksum_wrong_error";
      if (cause.includes("dictionary")) return "zstd_dictionary_error";
      return cause.includes("memory") ? "zstd_memory_error" : "zstd_generic_error";
  }
}

/** What stands before the names of a decompressor's statistics. */
export function decompressorPrefix({ library }: DecompressorConfig): string {
  return `decompressor.${library.name}.${CODING_STAT[library.options.coding]}.`;
}

export function createDecompressorFilter(config: DecompressorConfig, around: FilterSurroundings): HttpFilter {
  return new DecompressorFilter(config, around);
}
