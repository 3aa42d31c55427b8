// Hot path: sees every field of every HTTP/2 header block.
import type { FlatHeaderList } from "../http/flat-header-list.ts";
import { HEADER_ID } from "../http/header-id.ts";
import { HTTP_2, type RequestHead, type ResponseHead } from "../http/message-head.ts";
import { AUTHORITY_BYTE, TARGET_BYTE, TOKEN_LOWER } from "../http1/char-table.ts";
import type { FieldSink } from "./hpack/decoder.ts";
import {
  ENTRY_OVERHEAD,
  type HpackField,
  PSEUDO_AUTHORITY,
  PSEUDO_METHOD,
  PSEUDO_NONE,
  PSEUDO_PATH,
  PSEUDO_PROTOCOL,
  PSEUDO_SCHEME,
  PSEUDO_STATUS,
} from "./hpack/field.ts";

export const REQUEST_FIELDS = 0;
export const RESPONSE_FIELDS = 1;
export const TRAILER_FIELDS = 2;

const HOST = HEADER_ID.host;
const CONTENT_LENGTH = HEADER_ID["content-length"];
const TE = HEADER_ID.te;
const COOKIE = HEADER_ID.cookie;
const EXPECT = HEADER_ID.expect;
/** Fields about one connection, which HTTP/2 has no use for. Source: RFC 9113 8.2.2. */
const CONNECTION_SPECIFIC: ReadonlySet<number> = new Set([
  HEADER_ID.connection,
  HEADER_ID["keep-alive"],
  HEADER_ID["proxy-connection"],
  HEADER_ID["transfer-encoding"],
  HEADER_ID.upgrade,
]);

/** Checks the fields of one block as RFC 9113 8.2 and 8.3 demand and sorts them into a head. One per connection, reused. */
export class FieldCollector implements FieldSink {
  /** Why the message is malformed; "" while it is not. */
  malformed = "";
  tooLarge = false;
  contentLength = -1;
  expectContinue = false;
  readonly #maxBytes: number;
  readonly #maxCount: number;
  #kind = REQUEST_FIELDS;
  #list: FlatHeaderList | null = null;
  #bytes = 0;
  #count = 0;
  #regularSeen = false;
  #cookies = 0;
  #method: string | null = null;
  #scheme: string | null = null;
  #authority: string | null = null;
  #path: string | null = null;
  #protocol: string | null = null;
  #status: string | null = null;
  #host: string | null = null;

  constructor(maxBytes: number, maxCount: number) {
    this.#maxBytes = maxBytes;
    this.#maxCount = maxCount;
  }

  /** With `list` null the fields are only counted (the block of a stream that we ignore). */
  begin(kind: number, list: FlatHeaderList | null): void {
    this.malformed = "";
    this.tooLarge = false;
    this.contentLength = -1;
    this.expectContinue = false;
    this.#kind = kind;
    this.#list = list;
    this.#bytes = 0;
    this.#count = 0;
    this.#regularSeen = false;
    this.#cookies = 0;
    this.#method = null;
    this.#scheme = null;
    this.#authority = null;
    this.#path = null;
    this.#protocol = null;
    this.#status = null;
    this.#host = null;
  }

  /** Names and values so far, without what RFC 7541 4.1 adds for each entry. */
  get plainBytes(): number {
    return this.#bytes - ENTRY_OVERHEAD * this.#count;
  }

  onField(field: HpackField): void {
    this.#bytes += field.size;
    this.#count++;
    if (this.#bytes > this.#maxBytes || this.#count > this.#maxCount) this.tooLarge = true;
    if (this.#list === null || this.tooLarge || this.malformed !== "") return;
    if (!field.valid) {
      this.malformed = `invalid characters in field ${JSON.stringify(field.name.slice(0, 64))}`;
    } else if (field.pseudo !== PSEUDO_NONE) {
      this.#pseudo(field);
    } else {
      this.#regularSeen = true;
      this.#regular(field, this.#list);
    }
  }

  finishRequest(head: RequestHead): void {
    if (this.malformed !== "" || this.tooLarge) return;
    const method = this.#method;
    if (method === null || !isToken(method)) {
      this.malformed = "no :method";
      return;
    }
    head.version = HTTP_2;
    head.method = method;
    head.scheme = this.#scheme ?? "";
    head.authority = this.#authority ?? this.#host ?? "";
    head.path = this.#path ?? "";
    head.protocol = "";
    if (!isMadeOf(head.authority, AUTHORITY_BYTE)) this.malformed = "an :authority that is no host name or address";
    else if (method === "CONNECT" && this.#protocol === null) this.#plainConnect();
    else if (this.#scheme === null || this.#path === null) this.malformed = "no :scheme or :path";
    // Source: RFC 9113 8.3.1; an HTTP/1 application would get a request without Host.
    else if (this.#authority === null && this.#host === null) this.malformed = "neither :authority nor host";
    else if (!isPath(this.#path, method)) this.malformed = "a :path that is no path";
    else if (this.#protocol !== null) this.#extendedConnect(head, this.#protocol);
    this.#joinCookies();
  }

  finishResponse(head: ResponseHead): void {
    if (this.malformed !== "" || this.tooLarge) return;
    const status = this.#status;
    if (status === null || !/^[1-9]\d\d$/.test(status)) {
      this.malformed = "no three-digit :status";
      return;
    }
    head.version = HTTP_2;
    head.status = Number(status);
    head.protocol = "";
    if (head.status === 101) this.malformed = "status 101, which HTTP/2 does not have";
  }

  #plainConnect(): void {
    if (this.#scheme !== null || this.#path !== null) this.malformed = "CONNECT with :scheme or :path";
    else if (this.#authority === null || this.#authority === "") this.malformed = "CONNECT without :authority";
  }

  /** In the shape that both versions share, an upgrade is a GET. */
  #extendedConnect(head: RequestHead, protocol: string): void {
    if (head.method !== "CONNECT" || protocol === "") this.malformed = ":protocol without CONNECT";
    head.method = "GET";
    head.protocol = protocol;
  }

  #pseudo(field: HpackField): void {
    if (this.#regularSeen) this.malformed = `${field.name} behind an ordinary field`;
    else if (this.#kind === TRAILER_FIELDS) this.malformed = `${field.name} in trailers`;
    else if ((field.pseudo === PSEUDO_STATUS) !== (this.#kind === RESPONSE_FIELDS)) {
      this.malformed = `${field.name} does not belong here`;
    } else if (!this.#take(field)) this.malformed = `${field.name} is unknown or repeated`;
  }

  #take(field: HpackField): boolean {
    const { value } = field;
    switch (field.pseudo) {
      case PSEUDO_METHOD:
        if (this.#method !== null) return false;
        this.#method = value;
        return true;
      case PSEUDO_SCHEME:
        if (this.#scheme !== null) return false;
        this.#scheme = value;
        return true;
      case PSEUDO_AUTHORITY:
        if (this.#authority !== null) return false;
        this.#authority = value;
        return true;
      case PSEUDO_PATH:
        if (this.#path !== null) return false;
        this.#path = value;
        return true;
      case PSEUDO_PROTOCOL:
        if (this.#protocol !== null) return false;
        this.#protocol = value;
        return true;
      case PSEUDO_STATUS:
        if (this.#status !== null) return false;
        this.#status = value;
        return true;
      default:
        return false;
    }
  }

  #regular(field: HpackField, list: FlatHeaderList): void {
    const { id, name, value } = field;
    if (id !== 0 && id <= EXPECT) {
      if (CONNECTION_SPECIFIC.has(id)) {
        this.malformed = `connection-specific field ${name}`;
        return;
      }
      if (id === TE && value !== "trailers") {
        this.malformed = "te other than trailers";
        return;
      }
      if (id === HOST) {
        this.#host ??= value;
        return;
      }
      if (id === CONTENT_LENGTH && this.#kind !== TRAILER_FIELDS) {
        const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
        if (length < 0 || (this.contentLength >= 0 && this.contentLength !== length)) {
          this.malformed = "an invalid or contradictory content-length";
          return;
        }
        if (this.contentLength === length) return;
        this.contentLength = length;
      }
      if (id === EXPECT && value.toLowerCase() === "100-continue") this.expectContinue = true;
    }
    if (id === COOKIE) this.#cookies++;
    list.push(id, name, value);
  }

  /** HTTP/2 may split cookies for better compression; everyone else expects one field. Source: RFC 9113 8.2.3. */
  #joinCookies(): void {
    const list = this.#list;
    if (this.#cookies < 2 || list === null) return;
    let joined = "";
    for (let i = 0; i < list.length; i++) {
      if (list.idAt(i) === COOKIE) joined += joined === "" ? list.valueAt(i) : `; ${list.valueAt(i)}`;
    }
    list.setId(COOKIE, joined);
  }
}

function isPath(path: string, method: string): boolean {
  if (path === "*") return method === "OPTIONS";
  return path.charCodeAt(0) === 47 && isMadeOf(path, TARGET_BYTE);
}

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false;
  return true;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if ((TOKEN_LOWER[text.charCodeAt(i)] ?? 0) === 0) return false;
  return text.length > 0;
}
