import { wireFailure } from "../http/failure.ts";
import type { Http2Core, Http2Role } from "./core.ts";
import * as code from "./error-code.ts";
import * as frame from "./frame.ts";

/** The PING by which `shutdown` learns that the peer has seen its first GOAWAY. */
export const SHUTDOWN_PING: Buffer = Buffer.from("heddle:g");
/** The PING that asks for a sign of life. */
export const KEEP_ALIVE_PING: Buffer = Buffer.from("heddle:k");

/** Each new stream may have one, many at a time. */
const MAX_IDLE_UPDATES = 1000;

/** Everything that is neither DATA nor a header block. */
export class ControlFrames {
  readonly #core: Http2Core;
  readonly #role: Http2Role;
  /** WINDOW_UPDATEs since the connection last sent DATA, and the window that it then had. */
  #idleUpdates = 0;
  #windowSeen = 0;

  constructor(core: Http2Core, role: Http2Role) {
    this.#core = core;
    this.#role = role;
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frame.SETTINGS:
        this.#settings(flags, id, bytes, start, end);
        break;
      case frame.PING:
        this.#ping(flags, id, bytes, start, end);
        break;
      case frame.WINDOW_UPDATE:
        this.#windowUpdate(id, bytes, start, end);
        break;
      case frame.RST_STREAM:
        this.#reset(id, bytes, start, end);
        break;
      case frame.GOAWAY:
        this.#goaway(id, bytes, start, end);
        break;
      case frame.PRIORITY:
        this.#priority(id, bytes, start, end);
        break;
      case frame.PUSH_PROMISE:
        this.#core.fail(code.PROTOCOL_ERROR, "PUSH_PROMISE, which we have not allowed");
        break;
      default:
        // RFC 9113 4.1: unknown types are ignored.
        this.#core.charge("frames of unknown types");
    }
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    const ack = (flags & frame.FLAG_ACK) !== 0;
    if (id !== 0) core.fail(code.PROTOCOL_ERROR, "SETTINGS on a stream");
    else if (ack ? end !== start : (end - start) % 6 !== 0)
      core.fail(code.FRAME_SIZE_ERROR, "SETTINGS of a wrong length");
    else if (core.charge("SETTINGS frames") && !ack) this.#applySettings(bytes, start, end);
  }

  #applySettings(bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    const windowBefore = core.peer.initialWindow;
    const error = core.peer.apply(bytes, start, end);
    if (error !== code.NO_ERROR) {
      core.fail(error, "a setting with a value that is not allowed");
      return;
    }
    core.blocks.encoder.setPeerTableBytes(core.peer.headerTableBytes);
    const change = core.peer.initialWindow - windowBefore;
    if (change !== 0) {
      for (const stream of core.streams.snapshot()) {
        stream.sendWindow += change;
        if (stream.sendWindow > frame.MAX_WINDOW) {
          core.fail(code.FLOW_CONTROL_ERROR, "an initial window that makes a stream's window too large");
          return;
        }
      }
    }
    frame.writeSettingsAck(core.output);
    this.#role.onPeerSettings();
    if (change > 0) core.sender.pump();
  }

  #ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (id !== 0) core.fail(code.PROTOCOL_ERROR, "PING on a stream");
    else if (end - start !== 8) core.fail(code.FRAME_SIZE_ERROR, "PING of a wrong length");
    else if ((flags & frame.FLAG_ACK) !== 0) {
      if (SHUTDOWN_PING.compare(bytes, start, end) === 0) this.#role.onShutdownPong();
      else if (core.pingPending && KEEP_ALIVE_PING.compare(bytes, start, end) === 0) core.pingPending = false;
      else core.charge("answers to no PING");
    } else if (core.charge("PING frames")) frame.writePing(core.output, true, bytes, start);
  }

  /** Updates one after the other between which nothing was sent are no use to anybody; false when the connection was failed. */
  #chargeIdleUpdate(): boolean {
    const { connectionWindow } = this.#core.sender;
    if (connectionWindow !== this.#windowSeen) {
      this.#windowSeen = connectionWindow;
      this.#idleUpdates = 0;
    }
    return ++this.#idleUpdates <= MAX_IDLE_UPDATES || this.#core.charge("WINDOW_UPDATE frames");
  }

  #windowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (end - start !== 4) {
      core.fail(code.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong length");
      return;
    }
    if (!this.#chargeIdleUpdate()) return;
    const more = frame.readU32(bytes, start) & 0x7fffffff;
    if (id === 0) {
      if (more === 0) core.fail(code.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
      else if (core.sender.connectionWindow + more > frame.MAX_WINDOW) {
        core.fail(code.FLOW_CONTROL_ERROR, "a connection window beyond 2^31-1");
      } else {
        core.sender.connectionWindow += more;
        this.#windowSeen = core.sender.connectionWindow;
        core.sender.pump();
      }
      return;
    }
    const stream = core.streams.get(id);
    if (stream === undefined) {
      if (this.#role.isIdle(id)) core.fail(code.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    } else if (more === 0) {
      core.failStream(stream, code.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    } else if (stream.sendWindow + more > frame.MAX_WINDOW) {
      core.failStream(stream, code.FLOW_CONTROL_ERROR, "a stream window beyond 2^31-1");
    } else {
      stream.sendWindow += more;
      core.sender.pump();
    }
  }

  #reset(id: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (end - start !== 4) {
      core.fail(code.FRAME_SIZE_ERROR, "RST_STREAM of a wrong length");
      return;
    }
    if (id === 0 || this.#role.isIdle(id)) {
      core.fail(code.PROTOCOL_ERROR, "RST_STREAM on stream 0 or an idle stream");
      return;
    }
    const stream = core.streams.get(id);
    const errorCode = frame.readU32(bytes, start);
    // Asking and giving up again and again is the rapid reset attack (CVE-2023-44487).
    if (this.#role.isServer && !core.charge("stream resets")) return;
    if (stream === undefined) {
      if (!this.#role.isServer) core.chargeLate();
      return;
    }
    const refused = errorCode === code.REFUSED_STREAM;
    const given = errorCode === code.CANCEL || errorCode === code.NO_ERROR;
    core.endStream(
      stream,
      wireFailure(
        refused ? "refused" : given ? "cancelled" : "peer-error",
        `the peer reset the stream with ${code.errorCodeName(errorCode)}`,
        { h2Code: errorCode },
      ),
    );
  }

  #goaway(id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) this.#core.fail(code.PROTOCOL_ERROR, "GOAWAY on a stream");
    else if (end - start < 8) this.#core.fail(code.FRAME_SIZE_ERROR, "GOAWAY of a wrong length");
    else this.#role.onGoaway(frame.readU32(bytes, start) & 0x7fffffff, frame.readU32(bytes, start + 4));
  }

  #priority(id: number, bytes: Buffer, start: number, end: number): void {
    const core = this.#core;
    if (id === 0) {
      core.fail(code.PROTOCOL_ERROR, "PRIORITY on stream 0");
      return;
    }
    const whole = end - start === 5;
    if (!whole || (frame.readU32(bytes, start) & 0x7fffffff) === id) {
      const stream = core.streams.get(id);
      const errorCode = whole ? code.PROTOCOL_ERROR : code.FRAME_SIZE_ERROR;
      if (stream !== undefined) core.failStream(stream, errorCode, "a malformed PRIORITY");
      else core.fail(errorCode, "a malformed PRIORITY");
      return;
    }
    core.charge("PRIORITY frames");
  }
}
