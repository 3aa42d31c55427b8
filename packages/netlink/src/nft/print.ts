import type { Chain, Rule, Ruleset, Statement, Table } from "./ruleset.ts";

/** The ruleset in nft's syntax: what `--dry-run` prints and `nft -f` would accept. */
export function printRuleset(ruleset: Ruleset): string {
  return ruleset.tables.map(printTable).join("\n");
}

function printTable(table: Table): string {
  const maps = (table.maps ?? []).map((map) => {
    const elements = map.elements.map((e) => `${e.key.join(" . ")} : ${printStatement(e.verdict)}`);
    const type = map.key.map((field) => KEY_TYPE[field]).join(" . ");
    return `  map ${map.name} {\n    type ${type} : verdict\n    elements = { ${elements.join(", ")} }\n  }\n`;
  });
  const keys = new Map((table.maps ?? []).map((map) => [map.name, map.key.map((f) => KEY_TEXT[f]).join(" . ")]));
  return `table ${table.family} ${table.name} {\n${maps.join("")}${table.chains.map((c) => printChain(c, keys)).join("")}}\n`;
}

const KEY_TYPE = { daddr: "ipv4_addr", protocol: "inet_proto", dport: "inet_service" } as const;
const KEY_TEXT = { daddr: "ip daddr", protocol: "meta l4proto", dport: "th dport" } as const;

function printChain(chain: Chain, mapKeys: ReadonlyMap<string, string>): string {
  const { hook } = chain;
  const head =
    hook === undefined ? "" : `    type ${hook.type} hook ${hook.name} priority ${hook.priority}; policy accept;\n`;
  const rules = chain.rules.map((rule) => `    ${printRule(rule, mapKeys)}\n`);
  return `  chain ${chain.name} {\n${head}${rules.join("")}  }\n`;
}

/** One rule in nft's syntax. */
export function printRule(rule: Rule, mapKeys: ReadonlyMap<string, string> = new Map()): string {
  const words = rule.statements.map((statement) =>
    statement.kind === "lookup"
      ? `${mapKeys.get(statement.map) ?? "…"} vmap @${statement.map}`
      : printStatement(statement),
  );
  if (rule.comment !== undefined) words.push(`comment "${rule.comment}"`);
  return words.join(" ");
}

function printStatement(statement: Statement): string {
  const not = "negate" in statement && statement.negate === true ? "!= " : "";
  switch (statement.kind) {
    case "accept":
    case "drop":
    case "return":
    case "counter":
    case "masquerade":
      return statement.kind;
    case "jump":
    case "goto":
      return `${statement.kind} ${statement.chain}`;
    case "interface":
      return `${statement.direction === "in" ? "i" : "o"}ifname ${not}"${statement.name.replace(/\+$/, "*")}"`;
    case "address":
      return `${statement.prefix.includes(":") ? "ip6" : "ip"} ${statement.side === "source" ? "saddr" : "daddr"} ${not}${statement.prefix}`;
    case "protocol":
      return `meta l4proto ${statement.protocol}`;
    case "port":
      return `th ${statement.side === "source" ? "sport" : "dport"} ${not}${statement.port}`;
    case "port-range":
      return `th ${statement.side === "source" ? "sport" : "dport"} ${statement.port}-${statement.lastPort}`;
    case "owner": {
      const ids = statement.lastId === undefined ? `${statement.id}` : `${statement.id}-${statement.lastId}`;
      return `meta ${statement.of === "user" ? "skuid" : "skgid"} ${not}${ids}`;
    }
    case "mark":
      return `meta mark ${statement.mask === undefined ? "" : `& ${hex(statement.mask)} `}${not === "" ? "== " : not}${hex(statement.value)}`;
    case "set-mark":
      return `meta mark set meta mark | ${hex(statement.bits)}`;
    case "connection-state":
      return `ct state ${statement.states.join(",")}`;
    case "destination-translated":
      return "ct status dnat";
    case "local-destination":
      return `fib daddr type ${not}local`;
    case "reject":
      return statement.tcpReset === true ? "reject with tcp reset" : "reject";
    case "random":
      return `numgen random mod ${statement.modulus} 0`;
    case "source-hash":
      return `jhash ip saddr mod ${statement.modulus} seed ${hex(statement.seed)} ${statement.remainder}`;
    case "lookup":
      return `vmap @${statement.map}`;
    case "redirect":
      return `redirect to :${statement.port}`;
    case "destination-nat":
      return `dnat to ${statement.address}${statement.port === undefined ? "" : `:${statement.port}`}`;
    case "source-nat":
      return `snat to ${statement.address}`;
  }
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
