// Hot path: the HTTP/2 connection, alike for both roles. LIFECYCLE.md has its states.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import type { HeaderList } from "../http/header-list.ts";
import {
  DEFAULT_HIGH_WATER_BYTES,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_HEADER_COUNT,
  type Http2Options,
} from "../http/http-options.ts";
import type { ResponseHead } from "../http/message-head.ts";
import type { ConnectionHost, HttpConnection, Pings } from "../http/stream.ts";
import { createOutputBuffer, type OutputBuffer } from "../output-buffer.ts";
import { ControlFrames, KEEP_ALIVE_PING } from "./control-frames.ts";
import * as code from "./error-code.ts";
import { FieldCollector } from "./field-collector.ts";
import { FloodGuard } from "./flood-guard.ts";
import * as frame from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { HeaderBlocks } from "./header-blocks.ts";
import { PeerSettings } from "./peer-settings.ts";
import { Sender } from "./sender.ts";
import type { Http2Stream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

/** What servers and clients do differently. */
export interface Http2Role {
  readonly isServer: boolean;
  /** A complete, decoded header block; `stream` is undefined when the id is not in the table. */
  onHeaderBlock(
    id: number,
    stream: Http2Stream | undefined,
    bytes: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void;
  /** GOAWAY from the peer. */
  onGoaway(lastStreamId: number, errorCode: number): void;
  /** SETTINGS from the peer were applied. */
  onPeerSettings(): void;
  /** A stream has left the table. */
  onStreamClosed(stream: Http2Stream): void;
  /** The answer to our PING of `shutdown`. */
  onShutdownPong(): void;
  /** Whether a stream of this id was never opened. */
  isIdle(id: number): boolean;
}

/** What a peer sends for a stream before it learns of our reset: interim heads, a head, trailers, its own reset. */
const LATE_BLOCKS = 8;
/** Ids of streams that we reset: the peer may send on them for a while. */
const REMEMBERED_RESETS = 256;
/** Output that a peer makes us write without reading it. Units: bytes. */
const MAX_CONTROL_OUTPUT = 512 * 1024;

export class Http2Core implements FrameSink, Pings {
  readonly connection: HttpConnection;
  readonly output: OutputBuffer = createOutputBuffer();
  readonly peer = new PeerSettings();
  readonly streams = new StreamTable<Http2Stream>();
  readonly sender: Sender;
  readonly collector: FieldCollector;
  readonly blocks: HeaderBlocks;
  readonly guard: FloodGuard;
  readonly streamWindow: number;
  shouldClose = false;
  pingPending = false;
  readonly #role: Http2Role;
  readonly #host: ConnectionHost;
  readonly #reader: FrameReader;
  readonly #control: ControlFrames;
  readonly #maxFrameBytes: number;
  readonly #window: number;
  /** Bytes that the peer may still send on the connection. */
  #receiveWindow: number;
  #owed = 0;
  /** The stream of the DATA frame being read; null when its bytes are dropped. */
  #dataStream: Http2Stream | null = null;
  #dataLength = 0;
  #settingsSeen = false;
  #flushWanted = false;
  readonly #resets = new Set<number>();
  /** Frames that may still come for streams that we reset. */
  #late = 0;

  constructor(options: Http2Options, host: ConnectionHost, role: Http2Role, connection: HttpConnection) {
    this.#role = role;
    this.#host = host;
    this.connection = connection;
    this.streamWindow = options.initialStreamWindow ?? 256 * 1024;
    this.#window = Math.max(options.connectionWindow ?? 1024 * 1024, frame.DEFAULT_WINDOW);
    this.#receiveWindow = this.#window;
    this.#maxFrameBytes = options.maxFrameBytes ?? frame.DEFAULT_FRAME_BYTES;
    const maxHeaderBytes = options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
    this.sender = new Sender(this, options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES);
    this.collector = new FieldCollector(maxHeaderBytes, options.maxHeaderCount ?? DEFAULT_MAX_HEADER_COUNT);
    this.blocks = new HeaderBlocks(this, maxHeaderBytes);
    this.guard = new FloodGuard(options.nowMs);
    this.#control = new ControlFrames(this, role);
    this.#reader = new FrameReader(this, role.isServer);
    this.#writePreface(options, maxHeaderBytes);
  }

  get headPending(): boolean {
    return this.blocks.open || (this.streams.size === 0 && this.#reader.midFrame);
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.shouldClose) return;
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#reader.receive(buffer, start, end);
    if (this.output.length > MAX_CONTROL_OUTPUT && !this.shouldClose && !this.guard.charge()) {
      this.fail(code.ENHANCE_YOUR_CALM, "the peer asks for answers and does not read them", "abuse");
    }
    this.flushSoon();
  }

  receiveEnd(): void {
    this.abort("the peer closed the connection");
  }

  abort(message: string): void {
    this.#endWith(wireFailure("connection-closed", message, { h2Code: code.CANCEL }));
  }

  drained(): void {
    if (this.output.length === 0) this.#flushWanted = false;
    this.sender.pump();
  }

  ping(): void {
    if (this.pingPending || this.shouldClose) return;
    this.pingPending = true;
    frame.writePing(this.output, false, KEEP_ALIVE_PING, 0);
    this.flushSoon();
  }

  flushSoon(): void {
    if (this.#flushWanted || this.output.length === 0) return;
    this.#flushWanted = true;
    this.#host.wantsFlush(this.connection);
  }

  close(): void {
    if (this.shouldClose) return;
    this.shouldClose = true;
    this.#reader.stop();
    this.#host.wantsClose(this.connection);
  }

  /** A connection error: GOAWAY, every stream is reset, the transport closes. */
  fail(errorCode: number, message: string, kind: "protocol" | "limit" | "abuse" = "protocol"): void {
    if (this.shouldClose) return;
    const failure = wireFailure(kind, `HTTP/2 connection error ${code.errorCodeName(errorCode)}: ${message}`, {
      h2Code: errorCode,
    });
    frame.writeGoaway(this.output, this.blocks.lastPeerStreamId, errorCode, message);
    this.flushSoon();
    this.#host.onFailure(this.connection, failure);
    this.#endWith(failure);
  }

  /** Who is told that a stream failed may ask for another at once: it must not get this connection. */
  #endWith(failure: WireFailure): void {
    const open = !this.shouldClose;
    this.shouldClose = true;
    this.#reader.stop();
    this.endAll(failure);
    if (open) this.#host.wantsClose(this.connection);
  }

  /** A stream error that the peer made. */
  failStream(stream: Http2Stream, errorCode: number, message: string): void {
    // Making us reset one stream after the other is rapid reset in other words (CVE-2025-8671).
    if (this.#role.isServer && !this.charge("stream errors")) return;
    const failure = wireFailure("protocol", `HTTP/2 stream error ${code.errorCodeName(errorCode)}: ${message}`, {
      h2Code: errorCode,
    });
    this.writeReset(stream.id, errorCode);
    this.endStream(stream, failure);
  }

  resetLocally(stream: Http2Stream, errorCode: number): void {
    if (stream.closed) return;
    this.writeReset(stream.id, errorCode);
    this.endStream(stream, wireFailure("local", "the exchange was given up here", { h2Code: errorCode }));
    this.flushSoon();
  }

  writeReset(id: number, errorCode: number): void {
    frame.writeNumberFrame(this.output, frame.RST_STREAM, id, errorCode);
    if (this.#resets.size >= REMEMBERED_RESETS) this.#resets.clear();
    this.#resets.add(id);
    this.#late += LATE_BLOCKS;
  }

  /** A header block or a reset came for a stream that is over; false when the connection was failed. */
  chargeLate(): boolean {
    if (--this.#late >= 0) return true;
    this.#late = 0;
    return this.charge("frames for streams that are over");
  }

  wasReset(id: number): boolean {
    return this.#resets.has(id);
  }

  /** Removes a stream that did not end by itself and tells its handler. */
  endStream(stream: Http2Stream, failure: WireFailure): void {
    if (stream.closed) return;
    stream.closed = true;
    stream.sendClosed = true;
    stream.receiveClosed = true;
    this.streams.delete(stream.id);
    this.sender.forget(stream);
    stream.handler.onReset(stream, failure);
    stream.handler.onClose(stream);
    this.#role.onStreamClosed(stream);
  }

  endAll(failure: WireFailure): void {
    const { taken } = this.output;
    for (const stream of this.streams.snapshot())
      this.endStream(stream, stream.startsAt >= taken ? { ...failure, retryable: true } : failure);
  }

  closeIfDone(stream: Http2Stream): void {
    if (stream.closed || !stream.sendDone || !stream.receiveClosed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.guard.earn();
    stream.handler.onClose(stream);
    this.#role.onStreamClosed(stream);
  }

  /** Charges the flood budget; false when the connection was failed. */
  charge(what: string): boolean {
    if (this.guard.charge()) return true;
    this.fail(code.ENHANCE_YOUR_CALM, `too many ${what}`, "abuse");
    return false;
  }

  writeResponseHead(stream: Http2Stream, head: ResponseHead, endStream: boolean): void {
    // An upgrade that both versions call 101 is a plain 200 here. Source: RFC 8441 5.
    const status = head.status === 101 && stream.extendedConnect ? 200 : head.status;
    this.blocks.beginWrite();
    this.blocks.encoder.field(":status", String(status), 0, this.output);
    this.blocks.encoder.list(head.headers, this.output);
    this.blocks.endWrite(stream, endStream);
  }

  writeTrailers(stream: Http2Stream, trailers: HeaderList): void {
    this.blocks.beginWrite();
    this.blocks.encoder.list(trailers, this.output);
    this.blocks.endWrite(stream, true);
  }

  /** Gives the peer its stream window back once half of it was used. */
  renewWindow(stream: Http2Stream): void {
    if (stream.paused || stream.receiveClosed || stream.owed < this.streamWindow >> 1) return;
    frame.writeNumberFrame(this.output, frame.WINDOW_UPDATE, stream.id, stream.owed);
    stream.receiveWindow += stream.owed;
    stream.owed = 0;
    this.flushSoon();
  }

  onHeaderBlock(id: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) stream.headerBytesIn += frame.FRAME_HEADER_BYTES + end - start;
    this.#role.onHeaderBlock(id, stream, bytes, start, end, endStream);
  }

  onBadPreface(): void {
    this.fail(code.PROTOCOL_ERROR, "the client does not begin with the HTTP/2 preface; it may speak HTTP/1 or TLS");
  }

  onBadPadding(): void {
    this.fail(code.PROTOCOL_ERROR, "padding longer than its frame");
  }

  onFrameHeader(type: number, flags: number, id: number, length: number): boolean {
    if (length > this.#maxFrameBytes) {
      this.fail(code.FRAME_SIZE_ERROR, `a frame of ${length} bytes; ${this.#maxFrameBytes} are allowed`);
    } else if (!this.#settingsSeen && (type !== frame.SETTINGS || (flags & frame.FLAG_ACK) !== 0)) {
      this.fail(code.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    } else if (this.blocks.open && (type !== frame.CONTINUATION || id !== this.blocks.streamId)) {
      this.fail(code.PROTOCOL_ERROR, "a frame inside a header block");
    } else if (type === frame.DATA) {
      this.#beginData(flags, id, length);
    }
    this.#settingsSeen = true;
    return !this.shouldClose;
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (type === frame.HEADERS) this.blocks.onHeaders(flags, id, bytes, start, end);
    else if (type === frame.CONTINUATION) this.blocks.onContinuation(flags, id, bytes, start, end);
    else this.#control.onFrame(type, flags, id, bytes, start, end);
  }

  onDataPart(flags: number, _id: number, bytes: Buffer, start: number, end: number, last: boolean): void {
    if (last) this.#renewConnectionWindow();
    const stream = this.#dataStream;
    if (stream === null || stream.closed) return;
    stream.receivedBytes += end - start;
    const ends = last && (flags & frame.FLAG_END_STREAM) !== 0;
    if (stream.expectedBytes >= 0) {
      const wrong =
        stream.receivedBytes > stream.expectedBytes || (ends && stream.receivedBytes < stream.expectedBytes);
      if (wrong) {
        this.failStream(stream, code.PROTOCOL_ERROR, "the body differs from its content-length");
        return;
      }
    }
    if (ends) stream.receiveClosed = true;
    if (last) stream.owed += this.#dataLength;
    if (end > start || ends) stream.handler.onData(stream, bytes, start, end, ends);
    if (ends) this.closeIfDone(stream);
    else if (last && !stream.closed) this.renewWindow(stream);
  }

  #beginData(flags: number, id: number, length: number): void {
    this.#dataStream = null;
    this.#dataLength = length;
    if (id === 0 || this.#role.isIdle(id)) {
      this.fail(code.PROTOCOL_ERROR, "DATA on stream 0 or an idle stream");
      return;
    }
    this.#receiveWindow -= length;
    this.#owed += length;
    if (this.#receiveWindow < 0) {
      this.fail(code.FLOW_CONTROL_ERROR, "more DATA than the connection's window");
      return;
    }
    if (length === 0 && (flags & frame.FLAG_END_STREAM) === 0 && !this.charge("empty DATA frames")) return;
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (!this.#resets.has(id) && this.charge("DATA on closed streams")) this.writeReset(id, code.STREAM_CLOSED);
      return;
    }
    stream.receiveWindow -= length;
    stream.dataBytesIn += frame.FRAME_HEADER_BYTES + length;
    if (stream.receiveClosed) this.failStream(stream, code.STREAM_CLOSED, "DATA behind END_STREAM");
    else if (stream.receiveWindow < 0)
      this.failStream(stream, code.FLOW_CONTROL_ERROR, "more DATA than the stream's window");
    else if (stream.response !== null && !stream.headDone)
      this.failStream(stream, code.PROTOCOL_ERROR, "DATA before HEADERS");
    else this.#dataStream = stream;
  }

  #renewConnectionWindow(): void {
    if (this.#owed < this.#window >> 1) return;
    frame.writeNumberFrame(this.output, frame.WINDOW_UPDATE, 0, this.#owed);
    this.#receiveWindow += this.#owed;
    this.#owed = 0;
  }

  #writePreface(options: Http2Options, maxHeaderBytes: number): void {
    const settings: number[] = [frame.SETTING_INITIAL_WINDOW_SIZE, this.streamWindow];
    settings.push(frame.SETTING_MAX_HEADER_LIST_SIZE, maxHeaderBytes);
    if (this.#maxFrameBytes !== frame.DEFAULT_FRAME_BYTES) {
      settings.push(frame.SETTING_MAX_FRAME_SIZE, this.#maxFrameBytes);
    }
    if (this.#role.isServer) {
      settings.push(frame.SETTING_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams ?? 100);
      if (options.connectProtocol ?? true) settings.push(frame.SETTING_ENABLE_CONNECT_PROTOCOL, 1);
    } else {
      this.output.append(frame.PREFACE, 0, frame.PREFACE.length);
      settings.push(frame.SETTING_ENABLE_PUSH, 0);
    }
    frame.writeSettings(this.output, settings);
    const more = this.#window - frame.DEFAULT_WINDOW;
    if (more > 0) frame.writeNumberFrame(this.output, frame.WINDOW_UPDATE, 0, more);
  }
}
