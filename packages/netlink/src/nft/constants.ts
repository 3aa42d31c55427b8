import type { CtState, Family, HookName, Protocol } from "./ruleset.ts";

/** Numbers of nf_tables. Source: include/uapi/linux/netfilter/nf_tables.h, nfnetlink.h. */
export const SUBSYSTEM = 10;
export const BATCH_BEGIN = 0x10;
export const BATCH_END = 0x11;

export const MSG = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  newSetElement: 12,
} as const;

export const FAMILY = { inet: 1, ip: 2, ip6: 10 } as const satisfies Record<Family, number>;
export const HOOK = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
} as const satisfies Record<HookName, number>;
export const IP_PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const satisfies Record<Protocol, number>;
export const CT_STATE = {
  invalid: 1,
  established: 2,
  related: 4,
  new: 8,
  untracked: 64,
} as const satisfies Record<CtState, number>;

export const TABLE = { name: 1 } as const;
export const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
export const CHAIN_HOOK = { number: 1, priority: 2 } as const;
export const RULE = { table: 1, chain: 2, handle: 3, expressions: 4, compat: 5, userData: 7 } as const;
export const RULE_COMPAT = { protocol: 1, flags: 2 } as const;
export const LIST_ELEMENT = 1;
export const EXPRESSION = { name: 1, data: 2 } as const;
export const DATA = { value: 1, verdict: 2 } as const;
export const VERDICT = { code: 1, chain: 2 } as const;
export const VERDICT_CODE = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;
export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  userData: 13,
} as const;
export const SET_FLAG_MAP = 8;
export const SET_DATA_VERDICT = 0xffffff00;
export const SET_ELEMENTS = { table: 1, set: 2, elements: 3, setId: 4 } as const;
export const ELEMENT = { key: 1, data: 2 } as const;

/** Registers: 0 is the verdict, 1–4 hold 16 bytes, 8.. hold 4 bytes (1 and 8 overlap). */
export const REGISTER = { verdict: 0, first: 1, second: 2, words: 8 } as const;
export const META_KEY = {
  mark: 3,
  inInterface: 6,
  outInterface: 7,
  socketUser: 10,
  socketGroup: 11,
  protocol: 16,
} as const;
export const PAYLOAD_BASE = { network: 1, transport: 2 } as const;
export const COMPARE = { equal: 0, notEqual: 1, atLeast: 5, atMost: 3 } as const;
/** nft's own type numbers, which let `nft list` show keys in words. */
export const NFT_TYPE = { daddr: 7, protocol: 12, dport: 13 } as const;
export const CT_KEY = { state: 0, status: 2 } as const;
export const CT_STATUS_DNAT = 0x20;
