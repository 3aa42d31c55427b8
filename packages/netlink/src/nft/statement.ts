import { maskedPrefix, parseIp, parsePrefix, prefixByte } from "../address.ts";
import {
  COMPARE,
  CT_KEY,
  CT_STATE,
  CT_STATUS_DNAT,
  FAMILY,
  IP_PROTOCOL,
  META_KEY,
  PAYLOAD_BASE,
  REGISTER,
} from "./constants.ts";
import type { Expression } from "./expression.ts";
import * as expr from "./expression.ts";
import type { Family, KeyField, Statement } from "./ruleset.ts";
import { ownerMatch, redirectTarget } from "./xtables.ts";

export interface EncodeOptions {
  readonly family: Family;
  /** Use iptables' own extensions for owner and REDIRECT, which `iptables -L` can show. */
  readonly xtables: boolean;
  /** Key fields of each verdict map by name. */
  readonly maps: ReadonlyMap<string, readonly KeyField[]>;
}

const RTN_LOCAL = 2;
const SOURCE_OFFSET = { 4: 12, 6: 8 } as const;
const DESTINATION_OFFSET = { 4: 16, 6: 24 } as const;

/** The expressions of one statement. Errors: throws when a value has no meaning in this table's family. */
export function encodeStatement(statement: Statement, options: EncodeOptions): readonly Expression[] {
  switch (statement.kind) {
    case "accept":
    case "drop":
    case "return":
    case "jump":
    case "goto":
      return [expr.verdictExpression(statement)];
    case "interface": {
      const key = statement.direction === "in" ? META_KEY.inInterface : META_KEY.outInterface;
      return [expr.loadMeta(key), expr.compare(interfaceName(statement.name), operator(statement.negate))];
    }
    case "address":
      return addressMatch(statement.side, statement.prefix, statement.negate === true, options.family);
    case "protocol":
      return [expr.loadMeta(META_KEY.protocol), expr.compare(Uint8Array.of(IP_PROTOCOL[statement.protocol]))];
    case "port": {
      const load = expr.loadPayload(PAYLOAD_BASE.transport, statement.side === "source" ? 0 : 2, 2);
      return [load, expr.compare(bigEndian16(statement.port), operator(statement.negate))];
    }
    case "port-range": {
      const load = expr.loadPayload(PAYLOAD_BASE.transport, statement.side === "source" ? 0 : 2, 2);
      const first = expr.compare(bigEndian16(statement.port), COMPARE.atLeast);
      return [load, first, expr.compare(bigEndian16(statement.lastPort), COMPARE.atMost)];
    }
    case "owner":
      return ownerExpressions(statement, options.xtables);
    case "mark": {
      const load = expr.loadMeta(META_KEY.mark);
      const test = expr.compare(hostWord(statement.value), operator(statement.negate));
      return statement.mask === undefined
        ? [load, test]
        : [load, expr.bitwise(hostWord(statement.mask), hostWord(0)), test];
    }
    case "set-mark": {
      // (mark & ~bits) ^ bits sets the bits and keeps the rest.
      const change = expr.bitwise(hostWord(~statement.bits), hostWord(statement.bits));
      return [expr.loadMeta(META_KEY.mark), change, expr.storeMeta(META_KEY.mark)];
    }
    case "connection-state": {
      const mask = statement.states.reduce((bits, state) => bits | CT_STATE[state], 0);
      const zero = hostWord(0);
      return [
        expr.loadConnection(CT_KEY.state),
        expr.bitwise(hostWord(mask), zero),
        expr.compare(zero, COMPARE.notEqual),
      ];
    }
    case "destination-translated": {
      const zero = hostWord(0);
      const load = expr.loadConnection(CT_KEY.status);
      return [load, expr.bitwise(hostWord(CT_STATUS_DNAT), zero), expr.compare(zero, COMPARE.notEqual)];
    }
    case "local-destination":
      return [expr.destinationType(), expr.compare(hostWord(RTN_LOCAL), operator(statement.negate))];
    case "random":
      return [expr.randomNumber(statement.modulus), expr.compare(hostWord(0))];
    case "source-hash": {
      const load = expr.loadPayload(PAYLOAD_BASE.network, SOURCE_OFFSET[4], 4);
      const hash = expr.jenkinsHash(4, statement.modulus, statement.seed);
      return [load, hash, expr.compare(hostWord(statement.remainder))];
    }
    case "lookup":
      return lookupExpressions(statement.map, options);
    case "counter":
      return [expr.counter];
    case "redirect":
      return options.xtables
        ? [redirectTarget(statement.port, options.family === "ip6")]
        : [expr.immediate(bigEndian16(statement.port), REGISTER.first), expr.redirect];
    case "destination-nat": {
      const { bytes, family } = ipOrThrow(statement.address);
      const load = [expr.immediate(bytes, REGISTER.first)];
      if (statement.port !== undefined) load.push(expr.immediate(bigEndian16(statement.port), REGISTER.second));
      return [...load, expr.translate(1, family === 4 ? FAMILY.ip : FAMILY.ip6, statement.port !== undefined)];
    }
    case "source-nat": {
      const { bytes, family } = ipOrThrow(statement.address);
      const nat = expr.translate(0, family === 4 ? FAMILY.ip : FAMILY.ip6, false);
      return [expr.immediate(bytes, REGISTER.first), nat];
    }
    case "masquerade":
      return [expr.masquerade];
    case "reject":
      return [statement.tcpReset === true ? expr.tcpReset : expr.reject(FAMILY[options.family])];
  }
}

function operator(negate: boolean | undefined): number {
  return negate === true ? COMPARE.notEqual : COMPARE.equal;
}

function addressMatch(side: "source" | "destination", text: string, negate: boolean, family: Family): Expression[] {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`"${text}" is no IP prefix (10.0.0.0/8)`);
  if ((prefix.family === 6) !== (family === "ip6"))
    throw new Error(`"${text}" does not belong in a table of family ${family}`);
  if (prefix.length === 0) return [];
  const offset = (side === "source" ? SOURCE_OFFSET : DESTINATION_OFFSET)[prefix.family];
  const bytes = Math.ceil(prefix.length / 8);
  const expected = maskedPrefix(prefix);
  const test = expr.compare(expected.slice(0, bytes), operator(negate));
  // Whole bytes need no mask: compare only as many as the prefix has (nft does the same).
  if (prefix.length % 8 === 0) return [expr.loadPayload(PAYLOAD_BASE.network, offset, bytes), test];
  const mask = expected.map((_, index) => prefixByte(prefix.length, index));
  const load = expr.loadPayload(PAYLOAD_BASE.network, offset, expected.length);
  return [load, expr.bitwise(mask, new Uint8Array(mask.length)), expr.compare(expected, operator(negate))];
}

function ownerExpressions(owner: Extract<Statement, { kind: "owner" }>, xtables: boolean): readonly Expression[] {
  const last = owner.lastId ?? owner.id;
  const negate = owner.negate === true;
  // A negated range has no single native comparison, so it always takes the extension.
  if (xtables || (negate && last !== owner.id)) return [ownerMatch({ of: owner.of, first: owner.id, last, negate })];
  const load = expr.loadMeta(owner.of === "user" ? META_KEY.socketUser : META_KEY.socketGroup);
  if (last === owner.id) return [load, expr.compare(hostWord(owner.id), operator(negate))];
  // Ordered comparison works on bytes, so the number is turned to network order first.
  return [
    load,
    toNetworkOrder,
    expr.compare(bigEndian32(owner.id), COMPARE.atLeast),
    expr.compare(bigEndian32(last), COMPARE.atMost),
  ];
}

/** `byteorder` host→network on the first register. */
const toNetworkOrder: Expression = {
  name: "byteorder",
  write: (w) => {
    w.be32(1, REGISTER.first);
    w.be32(2, REGISTER.first);
    w.be32(3, 1);
    w.be32(4, 4);
    w.be32(5, 4);
  },
};

function lookupExpressions(map: string, options: EncodeOptions): readonly Expression[] {
  const key = options.maps.get(map);
  if (key === undefined) throw new Error(`there is no map "${map}" in this table`);
  const loads = key.map((field, index) => loadKeyField(field, REGISTER.words + index));
  return [...loads, expr.lookupVerdict(map, REGISTER.words)];
}

function loadKeyField(field: KeyField, register: number): Expression {
  switch (field) {
    case "daddr":
      return expr.loadPayload(PAYLOAD_BASE.network, DESTINATION_OFFSET[4], 4, register);
    case "protocol":
      return expr.loadMeta(META_KEY.protocol, register);
    case "dport":
      return expr.loadPayload(PAYLOAD_BASE.transport, 2, 2, register);
  }
}

function ipOrThrow(text: string) {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`"${text}" is no IP address`);
  return parsed;
}

/** Interface names compare with their terminating zero; `eth+` (iptables' wildcard) compares the prefix only. */
function interfaceName(name: string): Uint8Array {
  return name.endsWith("+") ? new TextEncoder().encode(name.slice(0, -1)) : new TextEncoder().encode(`${name}\0`);
}

export function bigEndian16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
}

function bigEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

function hostWord(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}
