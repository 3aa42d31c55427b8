/** What one exchange has cost on its connection, in both directions. Units: bytes; framing counts, TLS does not. */
export interface StreamBytes {
  readonly received: number;
  readonly sent: number;
  /** The part of it that fields of heads and trailers took: on HTTP/1 their lines, without start line and empty line; on HTTP/2 their frames. */
  readonly headersReceived: number;
  readonly headersSent: number;
  /** The same without HTTP/2's compression: names and values. */
  readonly plainHeadersReceived: number;
  readonly plainHeadersSent: number;
}
