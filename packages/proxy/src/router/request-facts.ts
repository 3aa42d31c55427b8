// Hot path: once per request or connection where a matcher tree is configured.
import type { RequestHead } from "@heddle/wire";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { MatchFacts } from "./match-tree.ts";

const NONE: readonly string[] = [];

/** A request, and the connection that it came over, as matcher trees see them. */
class RequestFacts implements MatchFacts {
  readonly #connection: ConnectionInfo;
  readonly request: RequestHead | undefined;

  constructor(connection: ConnectionInfo, request: RequestHead | undefined) {
    this.#connection = connection;
    this.request = request;
  }

  get destinationIp(): string {
    return this.#connection.local.ip;
  }

  get destinationPort(): number {
    return this.#connection.local.port;
  }

  get sourceIp(): string {
    return this.#connection.remote.ip;
  }

  get sourcePort(): number {
    return this.#connection.remote.port;
  }

  get directSourceIp(): string {
    return this.#connection.directIp;
  }

  get serverName(): string {
    return this.#connection.sni;
  }

  get transportProtocol(): string {
    return this.#connection.tls === undefined ? "raw_buffer" : "tls";
  }

  get applicationProtocols(): readonly string[] {
    return NONE;
  }

  get peer(): MatchFacts["peer"] {
    const { tls } = this.#connection;
    return tls && (tls.peer ?? null);
  }
}

export function requestFacts(connection: ConnectionInfo, request: RequestHead | undefined): MatchFacts {
  return new RequestFacts(connection, request);
}

/** A request alone, for places that ask for nothing else. */
class LoneRequest implements MatchFacts {
  readonly request: RequestHead;
  readonly destinationIp = "";
  readonly destinationPort = 0;
  readonly sourceIp = "";
  readonly sourcePort = 0;
  readonly directSourceIp = "";
  readonly serverName = "";
  readonly transportProtocol = "";
  readonly applicationProtocols = NONE;
  readonly peer = undefined;

  constructor(request: RequestHead) {
    this.request = request;
  }
}

export function requestOnly(request: RequestHead): MatchFacts {
  return new LoneRequest(request);
}
