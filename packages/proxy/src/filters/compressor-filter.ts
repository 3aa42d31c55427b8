import type { HeaderList, ResponseHead } from "@heddle/wire";
import { createCompressor } from "../compression/body-coders.ts";
import { CODING_STAT, type CompressorOptions } from "../config/filters/compression-library.ts";
import type { CompressedDirection, CompressorConfig, CompressorRouteConfig } from "../config/filters/compressor.ts";
import { CodedStream } from "../http/coded-stream.ts";
import { opensTunnel } from "../http/open-tunnel.ts";
import { type ChainCompressor, chooseEncoding, type EncodingChoice, takesType } from "./encoding-choice.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

const STATUS = "x-envoy-compression-status";

/** What the compressors of a chain found out of a request: the first that is asked decides for all. */
const choices = new WeakMap<FilterCall, EncodingChoice>();

/** Compresses bodies as they pass. Source: Envoy `envoy.filters.http.compressor`. */
class CompressorFilter implements HttpFilter {
  readonly #config: CompressorConfig;
  readonly #route: CompressorRouteConfig | undefined;
  readonly #options: CompressorOptions;
  /** All of the chain, also this one. */
  readonly #chain: readonly ChainCompressor[];
  readonly #around: FilterSurroundings;
  /** Of its statistics. */
  readonly #prefix: string;

  constructor(
    config: CompressorConfig,
    route: CompressorRouteConfig | undefined,
    chain: ChainCompressor[],
    around: FilterSurroundings,
  ) {
    this.#config = config;
    this.#route = route;
    this.#options = (route?.library ?? config.library).options;
    this.#around = around;
    this.#prefix = compressorPrefix(config);
    chain.push({ coding: this.#options.coding, first: config.first, response: config.response });
    this.#chain = chain;
  }

  onRequest(call: FilterCall): boolean {
    const { headers } = call.request;
    const accepted = headers.getAll("accept-encoding");
    const enabled = this.#route?.enabled ?? this.#around.runtime.flag(this.#config.response.enabled);
    const removes = this.#route?.removeAccept ?? this.#config.removeAccept;
    if (enabled && removes) headers.remove("accept-encoding");
    const takesBody = this.#takesRequest(call);
    let stream: CodedStream | undefined;
    if (takesBody || (enabled && accepted !== undefined))
      call.replaceClient((client) => {
        stream = new CodedStream(client);
        return stream;
      });
    if (takesBody && stream !== undefined) this.#codeRequest(call, stream);
    else this.#count("request.not_compressed");
    call.onResponse((head, endStream) => this.#onResponse(call, stream, accepted, enabled, head, endStream));
    return true;
  }

  #takesRequest(call: FilterCall): boolean {
    const direction = this.#config.request;
    const { headers, protocol, method } = call.request;
    return (
      direction !== undefined &&
      call.hasBody &&
      protocol === "" &&
      method !== "CONNECT" &&
      this.#around.runtime.flag(direction.enabled) &&
      this.#longEnough(direction, headers, "request.") &&
      takesType(direction, headers.get("content-type")) &&
      !headers.has("content-encoding")
    );
  }

  #codeRequest(call: FilterCall, stream: CodedStream): void {
    const { headers } = call.request;
    headers.remove("content-length");
    headers.set("content-encoding", this.#options.coding);
    this.#count("request.compressed");
    const coder = createCompressor(this.#options);
    const onPiece = (taken: number, made: number): void => {
      call.adjustBytes(taken - made, 0);
      this.#count("request.total_uncompressed_bytes", taken);
      this.#count("request.total_compressed_bytes", made);
    };
    call.rewriteBody((bytes, complete) => {
      const out: Buffer[] = [];
      coder.write(bytes, 0, bytes.length, complete, (piece, length) =>
        out.push(Buffer.from(piece.subarray(0, length))),
      );
      const coded = Buffer.concat(out);
      onPiece(bytes.length, coded.length);
      return coded;
    });
    stream.codeRequest({ coder, onPiece });
  }

  #onResponse(
    call: FilterCall,
    stream: CodedStream | undefined,
    accepted: string | undefined,
    enabled: boolean,
    head: ResponseHead,
    endStream: boolean,
  ): void {
    const { headers } = head;
    const { responseStat, response } = this.#config;
    const asked = enabled && this.#longEnough(response, headers, responseStat, this.#config.tellsStatus);
    const reason = asked ? this.#hindrance(head) : "disabled";
    if (asked && reason !== "" && reason !== "kept" && this.#config.tellsStatus) this.#tell(headers, reason);
    const compressible = asked && reason === "" && !opensTunnel(call.request, head);
    // Source: Envoy looks at what the client accepts either way, or, where it tells the status, last.
    const counts = asked && !endStream && (reason === "" || !this.#config.tellsStatus);
    if (counts && this.#accepts(call, accepted, head) && compressible && stream !== undefined) {
      if (this.#config.tellsStatus)
        this.#tell(headers, `Compressed;OriginalLength=${headers.get("content-length") ?? ""}`);
      this.#codeResponse(call, stream, headers);
    } else this.#count(`${responseStat}not_compressed`);
    // Caches are told also where this client gets the body as it is.
    if (compressible) addVary(headers);
  }

  #codeResponse(call: FilterCall, stream: CodedStream, headers: HeaderList): void {
    const { responseStat, weakenEtag } = this.#config;
    const etag = headers.get("etag");
    if (etag !== undefined && !/^w\//i.test(etag)) {
      // What it stands for is another sequence of bytes now.
      if (weakenEtag) headers.set("etag", `W/${etag}`);
      else headers.remove("etag");
    }
    headers.remove("content-length");
    headers.set("content-encoding", this.#options.coding);
    this.#count(`${responseStat}compressed`);
    stream.codeResponse({
      coder: createCompressor(this.#options),
      onPiece: (taken, made) => {
        call.adjustBytes(0, made - taken);
        this.#count(`${responseStat}total_uncompressed_bytes`, taken);
        this.#count(`${responseStat}total_compressed_bytes`, made);
      },
    });
  }

  /** Why an answer stays as it is, in Envoy's words; "kept": for a reason of its own headers, which is not told; "": it may be compressed. */
  #hindrance({ headers, status }: ResponseHead): string {
    const { response, notWithEtag, otherCodes } = this.#config;
    if (!takesType(response, headers.get("content-type"))) return "ContentTypeNotAllowed";
    if (hasToken(headers.getAll("cache-control"), "no-transform")) return "kept";
    if (notWithEtag && headers.has("etag")) {
      this.#count("not_compressed_etag");
      return "EtagNotAllowed";
    }
    if (headers.has("content-encoding")) return "kept";
    return otherCodes.has(status) ? "StatusCodeNotAllowed" : "";
  }

  #accepts(call: FilterCall, accepted: string | undefined, head: ResponseHead): boolean {
    if (accepted === undefined) {
      this.#count("no_accept_header");
      return false;
    }
    let choice = choices.get(call);
    if (choice === undefined) {
      choice = chooseEncoding(accepted, head.headers.get("content-type"), this.#chain);
      choices.set(call, choice);
    }
    const chosen = choice.coding === this.#options.coding;
    if (choice.by === "name") this.#count(chosen ? "header_compressor_used" : "header_compressor_overshadowed");
    else this.#count(CHOICE_STAT[choice.by]);
    return chosen;
  }

  #longEnough(direction: CompressedDirection, headers: HeaderList, stat: string, tells = false): boolean {
    const length = headers.get("content-length");
    if (length === undefined || Number(length) >= direction.minBytes) return true;
    // Source: Envoy looks, and counts, once more where it tells the status.
    this.#count(`${stat}content_length_too_small`, tells ? 2 : 1);
    if (tells) this.#tell(headers, "ContentLengthTooSmall");
    return false;
  }

  #tell(headers: HeaderList, status: string): void {
    const before = headers.get(STATUS);
    const text = `${this.#options.coding};${status}`;
    headers.set(STATUS, before === undefined ? text : `${before}, ${text}`);
  }

  #count(name: string, by = 1): void {
    this.#around.count(this.#prefix + name, by);
  }
}

const CHOICE_STAT = {
  wildcard: "header_wildcard",
  identity: "header_identity",
  invalid: "header_not_valid",
} as const;

/** What stands before the names of a compressor's statistics. */
export function compressorPrefix({ library }: CompressorConfig): string {
  return `compressor.${library.name}.${CODING_STAT[library.options.coding]}.`;
}

function hasToken(list: string | undefined, token: string): boolean {
  return list?.split(",").some((item) => item.trim().toLowerCase() === token) === true;
}

function addVary(headers: HeaderList): void {
  const vary = headers.getAll("vary");
  if (vary === undefined) headers.set("vary", "Accept-Encoding");
  // Source: Envoy looks for its own spelling only.
  else if (!vary.split(",").some((item) => item.trim() === "Accept-Encoding"))
    headers.set("vary", `${vary}, Accept-Encoding`);
}

/** @param chain Gets this compressor as well; complete before the first request. */
export function createCompressorFilter(
  config: CompressorConfig,
  route: CompressorRouteConfig | undefined,
  chain: ChainCompressor[],
  around: FilterSurroundings,
): HttpFilter {
  return new CompressorFilter(config, route, chain, around);
}
