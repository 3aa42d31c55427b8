// Hot path: one per message in each direction.
import { createHeaderList, type HeaderList } from "./header-list.ts";

/** HTTP versions as numbers. */
export const HTTP_1_0 = 10;
export const HTTP_1_1 = 11;
export const HTTP_2 = 20;

/**
 * What stands before a request's body, alike for all versions.
 * HTTP/1 `Host` and HTTP/2 `:authority` are both `authority`; neither is in `headers`.
 */
export interface RequestHead {
  method: string;
  /** `http` or `https`; for HTTP/1 what the connection was created with. Empty for CONNECT. */
  scheme: string;
  /** Host and port as sent, lower-cased never. Empty when the client (HTTP/1.0) sent none. */
  authority: string;
  /** Origin form with query (`/a?b`), `*` for OPTIONS, "" for CONNECT. */
  path: string;
  /**
   * Token of the protocol that the client wants to switch to (`websocket`), or "". HTTP/1 `Upgrade` and HTTP/2 extended
   * CONNECT (RFC 8441) both look like this, with method GET; the writers turn it back into their version's form.
   */
  protocol: string;
  version: number;
  headers: HeaderList;
}

/** What stands before a response's body. An accepted upgrade is status 101 for all versions. */
export interface ResponseHead {
  status: number;
  version: number;
  /** Token of the protocol switched to when status is 101 ("" otherwise). */
  protocol: string;
  headers: HeaderList;
}

class Request implements RequestHead {
  method = "GET";
  scheme = "http";
  authority = "";
  path = "/";
  protocol = "";
  version = HTTP_1_1;
  headers: HeaderList = createHeaderList();
}

class Response implements ResponseHead {
  status = 200;
  version = HTTP_1_1;
  protocol = "";
  headers: HeaderList = createHeaderList();
}

export function createRequestHead(): RequestHead {
  return new Request();
}

export function createResponseHead(): ResponseHead {
  return new Response();
}
