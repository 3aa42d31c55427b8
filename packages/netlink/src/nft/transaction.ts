import { parseIp } from "../address.ts";
import { type AttributeWriter, createAttributeWriter } from "../attribute.ts";
import { FLAG_ACK, FLAG_APPEND, FLAG_CREATE, FLAG_REQUEST, writeMessage } from "../message.ts";
import * as nft from "./constants.ts";
import { writeExpressions, writeVerdict } from "./expression.ts";
import type { ListedRule } from "./list.ts";
import { printRule } from "./print.ts";
import type { Chain, Family, KeyField, Rule, Ruleset, Table, VerdictMap } from "./ruleset.ts";
import { bigEndian16, type EncodeOptions, encodeStatement } from "./statement.ts";

export interface TransactionOptions {
  /** Owner and REDIRECT as iptables extensions, readable for `iptables -L`. Default: false. */
  readonly xtables?: boolean;
  /** Rules in force, needed for shared tables: those of base chains that lead into the table's own chains are removed. */
  readonly inForce?: readonly (ListedRule & { readonly family: Family })[];
}

export interface Transaction {
  readonly bytes: Uint8Array;
  /** What each message does, by sequence number; for errors. */
  readonly descriptions: ReadonlyMap<number, string>;
}

const ELEMENTS_PER_MESSAGE = 400;

/**
 * One atomic transaction that replaces the named tables whole: either all of it is in force afterwards or nothing changed.
 * Tables in `remove` are deleted if they exist.
 */
export function encodeTransaction(
  ruleset: Ruleset,
  options: TransactionOptions = {},
  remove: readonly Pick<Table, "family" | "name">[] = [],
): Transaction {
  const batch = new Batch();
  for (const table of [...remove, ...ruleset.tables.filter(({ shared }) => shared !== true)]) {
    // Creating first makes the deletion succeed whether or not the table was there.
    batch.table(nft.MSG.newTable, table, `creation of table ${table.family} ${table.name}`);
    batch.table(nft.MSG.delTable, table, `removal of table ${table.family} ${table.name}`);
  }
  for (const table of ruleset.tables) encodeTable(batch, table, options);
  return batch.finish();
}

class Batch {
  readonly writer: AttributeWriter = createAttributeWriter();
  readonly #descriptions = new Map<number, string>();
  #sequence = 1;
  #setId = 0;

  constructor() {
    this.#descriptions.set(1, "access to the packet filter");
    writeMessage(this.writer, nft.BATCH_BEGIN, FLAG_REQUEST, 1, () =>
      this.writer.raw(Uint8Array.of(0, 0, 0, nft.SUBSYSTEM)),
    );
  }

  add(kind: number, flags: number, family: Family, description: string, body: () => void): void {
    this.#sequence += 1;
    this.#descriptions.set(this.#sequence, description);
    writeMessage(this.writer, (nft.SUBSYSTEM << 8) | kind, FLAG_REQUEST | FLAG_ACK | flags, this.#sequence, () => {
      this.writer.raw(Uint8Array.of(nft.FAMILY[family], 0, 0, 0));
      body();
    });
  }

  table(kind: number, table: Pick<Table, "family" | "name">, description: string): void {
    const flags = kind === nft.MSG.newTable ? FLAG_CREATE : 0;
    this.add(kind, flags, table.family, description, () => this.writer.text(nft.TABLE.name, table.name));
  }

  nextSetId(): number {
    this.#setId += 1;
    return this.#setId;
  }

  finish(): Transaction {
    const end = this.#sequence + 1;
    writeMessage(this.writer, nft.BATCH_END, FLAG_REQUEST, end, () =>
      this.writer.raw(Uint8Array.of(0, 0, 0, nft.SUBSYSTEM)),
    );
    return { bytes: this.writer.finish(), descriptions: this.#descriptions };
  }
}

function encodeTable(batch: Batch, table: Table, transaction: TransactionOptions): void {
  const label = `${table.family} ${table.name}`;
  batch.table(nft.MSG.newTable, table, `creation of table ${label}`);
  for (const chain of table.chains) encodeChain(batch, table, chain);
  if (table.shared === true) clearOwnRules(batch, table, transaction.inForce ?? []);
  const maps = new Map<string, readonly KeyField[]>();
  for (const map of table.maps ?? []) {
    maps.set(map.name, map.key);
    encodeMap(batch, table, map);
  }
  const options: EncodeOptions = { family: table.family, xtables: transaction.xtables === true, maps };
  for (const chain of table.chains) {
    for (const rule of chain.rules) encodeRule(batch, table, chain, rule, options);
  }
}

function clearOwnRules(batch: Batch, table: Table, inForce: NonNullable<TransactionOptions["inForce"]>): void {
  const { writer } = batch;
  const own = new Set(table.chains.filter(({ hook }) => hook === undefined).map(({ name }) => name));
  for (const rule of inForce) {
    if (rule.family !== table.family || rule.table !== table.name || own.has(rule.chain)) continue;
    if (rule.target === undefined || !own.has(rule.target)) continue;
    batch.add(nft.MSG.delRule, 0, table.family, `removal of the old jump from ${rule.chain} to ${rule.target}`, () => {
      writer.text(nft.RULE.table, table.name);
      writer.text(nft.RULE.chain, rule.chain);
      writer.be64(nft.RULE.handle, rule.handle);
    });
  }
  for (const chain of own) {
    batch.add(nft.MSG.delRule, 0, table.family, `emptying of chain ${chain}`, () => {
      writer.text(nft.RULE.table, table.name);
      writer.text(nft.RULE.chain, chain);
    });
  }
}

function encodeChain(batch: Batch, table: Table, chain: Chain): void {
  const { writer } = batch;
  batch.add(nft.MSG.newChain, FLAG_CREATE, table.family, `chain ${chain.name} of table ${table.name}`, () => {
    writer.text(nft.CHAIN.table, table.name);
    writer.text(nft.CHAIN.name, chain.name);
    const { hook } = chain;
    if (hook === undefined) return;
    writer.nest(nft.CHAIN.hook, () => {
      writer.be32(nft.CHAIN_HOOK.number, nft.HOOK[hook.name]);
      writer.be32(nft.CHAIN_HOOK.priority, hook.priority);
    });
    writer.text(nft.CHAIN.type, hook.type);
    writer.be32(nft.CHAIN.policy, nft.VERDICT_CODE.accept);
  });
}

function encodeRule(batch: Batch, table: Table, chain: Chain, rule: Rule, options: EncodeOptions): void {
  const { writer } = batch;
  const description = `rule "${printRule(rule)}" of chain ${chain.name}, table ${table.name}`;
  const expressions = rule.statements.flatMap((statement) => [...encodeStatement(statement, options)]);
  batch.add(nft.MSG.newRule, FLAG_CREATE | FLAG_APPEND, table.family, description, () => {
    writer.text(nft.RULE.table, table.name);
    writer.text(nft.RULE.chain, chain.name);
    writer.nest(nft.RULE.expressions, () => writeExpressions(writer, expressions));
    const protocol = rule.statements.find((statement) => statement.kind === "protocol");
    if (protocol !== undefined && expressions.some(({ name }) => name === "match" || name === "target")) {
      writer.nest(nft.RULE.compat, () => {
        writer.be32(nft.RULE_COMPAT.protocol, nft.IP_PROTOCOL[protocol.protocol]);
        writer.be32(nft.RULE_COMPAT.flags, 0);
      });
    }
    if (rule.comment !== undefined) writer.bytes(nft.RULE.userData, commentData(rule.comment));
  });
}

/** Type 0 (comment), length, NUL-terminated text: what `nft list` shows as `comment "…"`. */
function commentData(comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment).slice(0, 126);
  return Uint8Array.of(0, text.length + 1, ...text, 0);
}

function encodeMap(batch: Batch, table: Table, map: VerdictMap): void {
  const { writer } = batch;
  const id = batch.nextSetId();
  batch.add(nft.MSG.newSet, FLAG_CREATE, table.family, `map ${map.name} of table ${table.name}`, () => {
    writer.text(nft.SET.table, table.name);
    writer.text(nft.SET.name, map.name);
    writer.be32(nft.SET.flags, nft.SET_FLAG_MAP);
    writer.be32(
      nft.SET.keyType,
      map.key.reduce((type, field) => (type << 6) | nft.NFT_TYPE[field], 0),
    );
    writer.be32(nft.SET.keyLength, map.key.length * 4);
    writer.be32(nft.SET.dataType, nft.SET_DATA_VERDICT);
    writer.be32(nft.SET.id, id);
  });
  for (let start = 0; start < map.elements.length; start += ELEMENTS_PER_MESSAGE) {
    const part = map.elements.slice(start, start + ELEMENTS_PER_MESSAGE);
    batch.add(nft.MSG.newSetElement, FLAG_CREATE, table.family, `elements of map ${map.name}`, () => {
      writer.text(nft.SET_ELEMENTS.table, table.name);
      writer.text(nft.SET_ELEMENTS.set, map.name);
      writer.be32(nft.SET_ELEMENTS.setId, id);
      writer.nest(nft.SET_ELEMENTS.elements, () => {
        for (const element of part) {
          writer.nest(nft.LIST_ELEMENT, () => {
            writer.nest(nft.ELEMENT.key, () => writer.bytes(nft.DATA.value, elementKey(map.key, element.key)));
            writer.nest(nft.ELEMENT.data, () => writeVerdict(writer, element.verdict));
          });
        }
      });
    });
  }
}

/** Each field fills whole 4-byte registers. */
function elementKey(fields: readonly KeyField[], values: readonly (string | number)[]): Uint8Array {
  const key = new Uint8Array(fields.length * 4);
  for (const [index, field] of fields.entries()) key.set(fieldBytes(field, values[index]), index * 4);
  return key;
}

function fieldBytes(field: KeyField, value: string | number | undefined): Uint8Array {
  switch (field) {
    case "daddr": {
      const ip = parseIp(String(value));
      if (ip?.family !== 4) throw new Error(`"${value}" is no IPv4 address`);
      return ip.bytes;
    }
    case "protocol":
      if (value === "tcp" || value === "udp" || value === "sctp") return Uint8Array.of(nft.IP_PROTOCOL[value]);
      throw new Error(`"${value}" is no protocol (tcp, udp, sctp)`);
    case "dport":
      return bigEndian16(Number(value));
  }
}
