/** A finished handshake that a client may go on from. */
interface KeptSession {
  readonly session: Uint8Array;
  /** The name that the server was asked by: by another it may have another certificate. */
  readonly sni: string;
  /** TLS 1.3: its second use would tell an onlooker that both connections have one client. Source: RFC 8446 C.4. */
  readonly once: boolean;
  /** End of the server's certificate, which a resumed handshake checks no more. Units: ms since 1970. */
  readonly untilMs: number;
}

/**
 * Sessions of one TLS context, the newest first. Source: Envoy `max_session_keys`, which counts them for all servers of the context together;
 * a server that does not know the session makes a full handshake.
 */
export interface SessionStore {
  /** A session for the next handshake; undefined: none is left. */
  take(sni: string): Uint8Array | undefined;
  keep(kept: KeptSession): void;
}

class NewestFirst implements SessionStore {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #kept: KeptSession[] = [];

  constructor(most: number, nowMs: () => number) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  take(sni: string): Uint8Array | undefined {
    const nowMs = this.#nowMs();
    const at = this.#kept.findIndex((kept) => kept.sni === sni && kept.untilMs > nowMs);
    const found = this.#kept[at];
    if (found?.once === true) this.#kept.splice(at, 1);
    return found?.session;
  }

  keep(kept: KeptSession): void {
    this.#kept.unshift(kept);
    if (this.#kept.length > this.#most) this.#kept.length = this.#most;
  }
}

/** `most`: how many are kept; at least 1. */
export function createSessionStore(most: number, nowMs: () => number): SessionStore {
  return new NewestFirst(most, nowMs);
}
