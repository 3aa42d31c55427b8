import { FLOW_CONTROL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "./error-code.ts";
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  readU32,
  SETTING_ENABLE_CONNECT_PROTOCOL,
  SETTING_ENABLE_PUSH,
  SETTING_HEADER_TABLE_SIZE,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_CONCURRENT_STREAMS,
  SETTING_MAX_FRAME_SIZE,
  SETTING_MAX_HEADER_LIST_SIZE,
} from "./frame.ts";

/** What the peer has told us about itself. Source of the defaults: RFC 9113 6.5.2. */
export class PeerSettings {
  headerTableBytes = 4096;
  /** Before the peer's SETTINGS arrive, RFC 9113's advice of 100 is assumed. */
  maxConcurrentStreams = 100;
  initialWindow = DEFAULT_WINDOW;
  maxFrameBytes = DEFAULT_FRAME_BYTES;
  maxHeaderListBytes = Number.POSITIVE_INFINITY;
  connectProtocol = false;

  /** Takes a SETTINGS payload; the error code for the connection, or NO_ERROR. */
  apply(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at + 6 <= end; at += 6) {
      const id = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const code = this.#set(id, readU32(bytes, at + 2));
      if (code !== NO_ERROR) return code;
    }
    return NO_ERROR;
  }

  #set(id: number, value: number): number {
    switch (id) {
      case SETTING_HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return NO_ERROR;
      case SETTING_ENABLE_PUSH:
        return value > 1 ? PROTOCOL_ERROR : NO_ERROR;
      case SETTING_MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        return NO_ERROR;
      case SETTING_INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) return FLOW_CONTROL_ERROR;
        this.initialWindow = value;
        return NO_ERROR;
      case SETTING_MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_BYTES || value > MAX_FRAME_BYTES) return PROTOCOL_ERROR;
        this.maxFrameBytes = value;
        return NO_ERROR;
      case SETTING_MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        return NO_ERROR;
      case SETTING_ENABLE_CONNECT_PROTOCOL:
        if (value > 1) return PROTOCOL_ERROR;
        this.connectProtocol = value === 1;
        return NO_ERROR;
      default:
        return NO_ERROR;
    }
  }
}
