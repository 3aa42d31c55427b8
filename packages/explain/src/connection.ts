/** A connection as a listener meets it. */
export interface Connection {
  /** Address that was dialled; undefined when no name server of ours knows it. */
  readonly ip: string | undefined;
  readonly port: number;
  readonly transport: "tls" | "raw_buffer";
  /** ALPN that the client offers, or what the HTTP inspector would find in plain text. */
  readonly protocols: readonly string[];
  readonly serverName: string;
  readonly sourceIp: string;
  /** SPIFFE id in the client's certificate; undefined without one. */
  readonly peer: string | undefined;
  /** Headers of the request inside, when it is HTTP. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}
