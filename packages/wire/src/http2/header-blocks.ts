// Hot path: header blocks in both directions.
import type { Http2Core } from "./core.ts";
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR } from "./error-code.ts";
import {
  CONTINUATION,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_HEADER_BYTES,
  HEADERS,
  putFrameHeader,
  readU32,
  writeFrameHeader,
} from "./frame.ts";
import { createHpackDecoder } from "./hpack/decoder.ts";
import { createHpackEncoder, type HpackEncoder } from "./hpack/encoder.ts";
import type { Http2Stream } from "./stream.ts";

/** A block in more pieces than this is an attack: each costs the sender nine bytes. */
const MAX_CONTINUATIONS = 64;

/** Puts header blocks together from HEADERS and CONTINUATION, decodes them in order, and writes ours. */
export class HeaderBlocks {
  readonly encoder: HpackEncoder = createHpackEncoder();
  /** Between HEADERS without END_HEADERS and its last CONTINUATION. */
  open = false;
  streamId = 0;
  /** Highest stream that the peer has opened (servers only). */
  lastPeerStreamId = 0;
  readonly #core: Http2Core;
  readonly #decoder = createHpackDecoder();
  readonly #maxBytes: number;
  #endStream = false;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Where the block being written begins, counted from the output's start, which moves when the buffer grows. */
  #writeAt = 0;

  constructor(core: Http2Core, maxBytes: number) {
    this.#core = core;
    this.#maxBytes = maxBytes;
  }

  onHeaders(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    if (id === 0) {
      this.#core.fail(PROTOCOL_ERROR, "HEADERS on stream 0");
      return;
    }
    if ((flags & FLAG_PADDED) !== 0) {
      end -= bytes[start] ?? 0;
      start++;
    }
    if ((flags & FLAG_PRIORITY) !== 0) {
      if (end - start >= 5 && (readU32(bytes, start) & 0x7fffffff) === id) {
        this.#core.fail(PROTOCOL_ERROR, "a stream that depends on itself");
        return;
      }
      start += 5;
    }
    if (end < start) {
      this.#core.fail(PROTOCOL_ERROR, "HEADERS shorter than its padding and priority");
      return;
    }
    const endStream = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#core.onHeaderBlock(id, bytes, start, end, endStream);
      return;
    }
    this.open = true;
    this.streamId = id;
    this.#endStream = endStream;
    this.#pieces = [Buffer.from(bytes.subarray(start, end))];
    this.#bytes = end - start;
  }

  onContinuation(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (!this.open) {
      this.#core.fail(PROTOCOL_ERROR, "CONTINUATION without HEADERS");
      return;
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#bytes += end - start;
    if (this.#bytes > this.#maxBytes || this.#pieces.length > MAX_CONTINUATIONS) {
      this.#core.fail(ENHANCE_YOUR_CALM, "a header block without end", "abuse");
      return;
    }
    if ((flags & FLAG_END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.open = false;
    this.#core.onHeaderBlock(id, block, 0, block.length, this.#endStream);
  }

  /** Decodes a block into the core's collector; false when the connection is lost. Every block must pass here, also unwanted ones. */
  decode(bytes: Buffer, start: number, end: number): boolean {
    if (this.#decoder.decode(bytes, start, end, this.#core.collector)) return true;
    this.#core.fail(COMPRESSION_ERROR, "a header block that cannot be decoded");
    return false;
  }

  beginWrite(): void {
    const { output } = this.#core;
    this.#writeAt = output.length;
    output.reserve(FRAME_HEADER_BYTES);
    output.commit(FRAME_HEADER_BYTES);
    this.encoder.begin(output);
  }

  endWrite(stream: Http2Stream, endStream: boolean): void {
    const { output, peer } = this.#core;
    const { id } = stream;
    const length = output.length - this.#writeAt - FRAME_HEADER_BYTES;
    const at = output.start + this.#writeAt;
    const flags = endStream ? FLAG_END_STREAM : 0;
    if (length <= peer.maxFrameBytes) {
      putFrameHeader(output.bytes, at, length, HEADERS, flags | FLAG_END_HEADERS, id);
      stream.countBlock(FRAME_HEADER_BYTES + length, this.encoder.plainBytes);
      return;
    }
    const block = Buffer.from(output.bytes.subarray(at + FRAME_HEADER_BYTES, output.end));
    output.commit(peer.maxFrameBytes - length);
    putFrameHeader(output.bytes, at, peer.maxFrameBytes, HEADERS, flags, id);
    for (let sent = peer.maxFrameBytes; sent < length; sent += peer.maxFrameBytes) {
      const n = Math.min(peer.maxFrameBytes, length - sent);
      writeFrameHeader(output, n, CONTINUATION, sent + n === length ? FLAG_END_HEADERS : 0, id);
      output.append(block, sent, sent + n);
    }
    stream.countBlock(output.length - this.#writeAt, this.encoder.plainBytes);
  }
}
