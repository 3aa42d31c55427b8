// Hot path: sees every header line of every message.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { FlatHeaderList } from "../http/flat-header-list.ts";
import { HEADER_ID } from "../http/header-id.ts";
import { isText, textLike } from "../http/likely-text.ts";
import { AUTHORITY_BYTE } from "./char-table.ts";
import type { HeaderLineSink } from "./head-parser.ts";

const HOST = HEADER_ID.host;
const CONTENT_LENGTH = HEADER_ID["content-length"];
const TRANSFER_ENCODING = HEADER_ID["transfer-encoding"];
const CONNECTION = HEADER_ID.connection;
const KEEP_ALIVE = HEADER_ID["keep-alive"];
const PROXY_CONNECTION = HEADER_ID["proxy-connection"];
const UPGRADE = HEADER_ID.upgrade;
const TE = HEADER_ID.te;
const EXPECT = HEADER_ID.expect;
const HTTP2_SETTINGS = HEADER_ID["http2-settings"];
/** Ids up to this one are hop-by-hop or framing fields; all others pass untouched. */
const LAST_SPECIAL = EXPECT;

/**
 * Sorts header lines: hop-by-hop fields become fields here, end-to-end fields go into the list. Refuses what RFC 9112
 * calls a smuggling risk: repeated or malformed lengths, length together with transfer-encoding, unknown codings.
 */
export class FramingFields implements HeaderLineSink {
  list: FlatHeaderList = new FlatHeaderList();
  /** -1 without a Content-Length. */
  contentLength = -1;
  chunked = false;
  close = false;
  keepAlive = false;
  /** Host value as sent; null when there was none. */
  host: string | null = null;
  upgrade = "";
  expectContinue = false;
  /** In trailers framing and routing fields are dropped rather than obeyed. */
  trailers = false;
  #upgradeNamed = false;
  #nominated: string[] | null = null;
  /** Of the message before. */
  #lastHost = "";

  begin(list: FlatHeaderList, trailers: boolean): void {
    this.list = list;
    this.trailers = trailers;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.host = null;
    this.upgrade = "";
    this.expectContinue = false;
    this.#upgradeNamed = false;
    this.#nominated = null;
  }

  onHeaderLine(
    id: number,
    bytes: Buffer,
    base: number,
    line: number,
    nameEnd: number,
    value: number,
    valueEnd: number,
    lineEnd: number,
  ): WireFailure | null {
    if (id > 0 && (id <= LAST_SPECIAL || id === HTTP2_SETTINGS)) {
      const keep = this.trailers ? DROP : this.#special(id, bytes, value, valueEnd);
      if (keep === DROP) return null;
      if (keep !== KEEP) return keep;
    }
    this.list.pushRange(id, line - base, nameEnd - base, value - base, valueEnd - base, lineEnd - base);
    return null;
  }

  /** After the last line: takes out what `Connection` named. Errors: combinations that are refused. */
  finish(http10: boolean): WireFailure | null {
    if (this.chunked && this.contentLength >= 0) {
      return refuse("both Content-Length and Transfer-Encoding; this is how requests are smuggled");
    }
    if (this.chunked && http10) return refuse("Transfer-Encoding in an HTTP/1.0 message");
    if (this.#nominated !== null) for (const name of this.#nominated) this.list.remove(name);
    if (!this.#upgradeNamed) this.upgrade = "";
    return null;
  }

  #special(id: number, bytes: Buffer, value: number, valueEnd: number): WireFailure | typeof KEEP | typeof DROP {
    switch (id) {
      case HOST:
        if (this.host !== null) return refuse("more than one Host");
        for (let i = value; i < valueEnd; i++) {
          if (AUTHORITY_BYTE[bytes[i] ?? 0] === 0) return refuse("a Host that is no host name or address");
        }
        this.host = textLike(this.#lastHost, bytes, value, valueEnd);
        this.#lastHost = this.host;
        return DROP;
      case CONTENT_LENGTH:
        if (this.contentLength >= 0) return refuse("more than one Content-Length");
        this.contentLength = decimal(bytes, value, valueEnd);
        if (this.contentLength < 0) return refuse("a Content-Length that is not a decimal number");
        return KEEP;
      case TRANSFER_ENCODING:
        if (this.chunked) return refuse("more than one Transfer-Encoding");
        if (lower(bytes, value, valueEnd) !== "chunked") {
          return wireFailure("protocol", "a Transfer-Encoding other than chunked", { status: 501, h2Code: 1 });
        }
        this.chunked = true;
        return DROP;
      case CONNECTION:
        this.#connection(bytes, value, valueEnd);
        return DROP;
      case UPGRADE: {
        const protocols = bytes.toString("latin1", value, valueEnd);
        // h2c upgrades are ignored, as RFC 9113 3.1 tells servers to.
        if (this.upgrade !== "") this.upgrade += `,${protocols}`;
        else if (protocols.toLowerCase() !== "h2c") this.upgrade = protocols;
        return DROP;
      }
      case TE:
        if (TRAILERS.test(bytes.toString("latin1", value, valueEnd))) {
          this.list.removeId(TE);
          this.list.appendId(TE, "trailers");
        }
        return DROP;
      case EXPECT:
        if (lower(bytes, value, valueEnd) === "100-continue") this.expectContinue = true;
        return KEEP;
      case KEEP_ALIVE:
      case PROXY_CONNECTION:
      case HTTP2_SETTINGS:
        return DROP;
      default:
        return KEEP;
    }
  }

  #connection(bytes: Buffer, value: number, valueEnd: number): void {
    if (isText("keep-alive", bytes, value, valueEnd)) {
      this.keepAlive = true;
      return;
    }
    const text = lower(bytes, value, valueEnd);
    if (text === "keep-alive") {
      this.keepAlive = true;
      return;
    }
    if (text === "close") {
      this.close = true;
      return;
    }
    for (const part of text.split(",")) {
      const token = part.trim();
      if (token === "close") this.close = true;
      else if (token === "keep-alive") this.keepAlive = true;
      else if (token === "upgrade") this.#upgradeNamed = true;
      // "te" stays: gRPC needs `te: trailers` to reach the far end, and only that value was kept.
      else if (token !== "" && token !== "te") {
        this.#nominated ??= [];
        this.#nominated.push(token);
      }
    }
  }
}

/** `trailers` among the codings of a TE field. */
const TRAILERS = /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i;

const KEEP = 1;
const DROP = 0;

function lower(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end).toLowerCase();
}

/** Digits only, at most fifteen so that it is exact; -1 otherwise. */
function decimal(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > 15) return -1;
  let number = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function refuse(what: string): WireFailure {
  return wireFailure("protocol", `HTTP/1 message with ${what}`, { status: 400, h2Code: 1 });
}
