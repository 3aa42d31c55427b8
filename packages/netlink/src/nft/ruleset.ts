/** A packet-filter ruleset as data. Encoded by `encodeTransaction`, shown by `printRuleset`. */
export type Family = "ip" | "ip6" | "inet";

export interface Ruleset {
  readonly tables: readonly Table[];
}

export interface Table {
  readonly family: Family;
  readonly name: string;
  /**
   * The table may hold chains and rules of others, which stay: only this table's plain chains are emptied before their rules are written,
   * and the rules of base chains that lead into them are replaced. Default: false, the table is replaced whole.
   */
  readonly shared?: boolean;
  readonly maps?: readonly VerdictMap[];
  readonly chains: readonly Chain[];
}

export type HookName = "prerouting" | "input" | "forward" | "output" | "postrouting";

export interface Chain {
  readonly name: string;
  /** Present on base chains only. */
  readonly hook?: { readonly type: "nat" | "filter" | "route"; readonly name: HookName; readonly priority: number };
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

/** Concatenated key fields of a verdict map, in order. Only IPv4 addresses so far. */
export type KeyField = "daddr" | "protocol" | "dport";

export interface VerdictMap {
  readonly name: string;
  readonly key: readonly KeyField[];
  readonly elements: readonly MapElement[];
}

export interface MapElement {
  /** One value per key field: an IPv4 address, a protocol, a port. */
  readonly key: readonly (string | number)[];
  readonly verdict: Verdict;
}

export type Protocol = "tcp" | "udp" | "sctp";

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

export type CtState = "invalid" | "established" | "related" | "new" | "untracked";

export type Statement =
  | Verdict
  | { readonly kind: "interface"; readonly direction: "in" | "out"; readonly name: string; readonly negate?: boolean }
  | {
      readonly kind: "address";
      readonly side: "source" | "destination";
      readonly prefix: string;
      readonly negate?: boolean;
    }
  | { readonly kind: "protocol"; readonly protocol: Protocol }
  /** Needs a `protocol` statement before it. */
  | { readonly kind: "port"; readonly side: "source" | "destination"; readonly port: number; readonly negate?: boolean }
  | {
      readonly kind: "port-range";
      readonly side: "source" | "destination";
      readonly port: number;
      readonly lastPort: number;
    }
  /** User or group that owns the sending socket; output and postrouting only. */
  | {
      readonly kind: "owner";
      readonly of: "user" | "group";
      readonly id: number;
      readonly lastId?: number;
      readonly negate?: boolean;
    }
  | { readonly kind: "mark"; readonly value: number; readonly mask?: number; readonly negate?: boolean }
  | { readonly kind: "set-mark"; readonly bits: number }
  | { readonly kind: "connection-state"; readonly states: readonly CtState[] }
  /** The connection's destination was translated; later hooks of the same packet still name the interface of before. */
  | { readonly kind: "destination-translated" }
  /** The destination is an address of this host. */
  | { readonly kind: "local-destination"; readonly negate?: boolean }
  /** True for one packet in `modulus`, at random. */
  | { readonly kind: "random"; readonly modulus: number }
  /** True for the senders whose address hashes to `remainder`; always the same for one address. */
  | { readonly kind: "source-hash"; readonly modulus: number; readonly remainder: number; readonly seed: number }
  | { readonly kind: "lookup"; readonly map: string }
  | { readonly kind: "counter" }
  | { readonly kind: "redirect"; readonly port: number }
  | { readonly kind: "destination-nat"; readonly address: string; readonly port?: number }
  | { readonly kind: "source-nat"; readonly address: string }
  | { readonly kind: "masquerade" }
  /** ICMP port unreachable, or a TCP reset (needs a `protocol` statement "tcp" before it). */
  | { readonly kind: "reject"; readonly tcpReset?: boolean };

/** Hook priorities by their nft names. */
export const PRIORITY = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
