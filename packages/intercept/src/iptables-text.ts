import type { Rule, Ruleset, Statement } from "@heddle/netlink";

/** The ruleset as `iptables-save` would show it: what operators compare with Istio's own. Chains of Heddle's rules only. */
export function iptablesText(ruleset: Ruleset): string {
  const lines: string[] = [];
  for (const table of ruleset.tables) {
    lines.push(`# ${table.family === "ip" ? "iptables" : "ip6tables"}`, `*${table.name}`);
    for (const chain of table.chains) if (chain.hook === undefined) lines.push(`-N ${chain.name}`);
    for (const chain of table.chains) {
      for (const rule of chain.rules) lines.push(`-A ${chain.name} ${ruleText(rule)}`);
    }
    lines.push("COMMIT");
  }
  return `${lines.join("\n")}\n`;
}

function ruleText(rule: Rule): string {
  return rule.statements
    .map(statementText)
    .filter((words) => words !== "")
    .join(" ");
}

function statementText(statement: Statement): string {
  const not = "negate" in statement && statement.negate === true ? "! " : "";
  switch (statement.kind) {
    case "protocol":
      return `-p ${statement.protocol}`;
    case "interface":
      return `${not}${statement.direction === "in" ? "-i" : "-o"} ${statement.name}`;
    case "address":
      return `${not}${statement.side === "source" ? "-s" : "-d"} ${statement.prefix}`;
    case "port":
      return `${not}${statement.side === "source" ? "--sport" : "--dport"} ${statement.port}`;
    case "port-range":
      return `${statement.side === "source" ? "--sport" : "--dport"} ${statement.port}:${statement.lastPort}`;
    case "owner": {
      const ids = statement.lastId === undefined ? statement.id : `${statement.id}-${statement.lastId}`;
      return `-m owner ${not}${statement.of === "user" ? "--uid-owner" : "--gid-owner"} ${ids}`;
    }
    case "mark":
      return `-m mark ${not}--mark 0x${statement.value.toString(16)}`;
    case "redirect":
      return `-j REDIRECT --to-ports ${statement.port}`;
    case "jump":
      return `-j ${statement.chain}`;
    case "return":
      return "-j RETURN";
    case "counter":
      return "";
    default:
      return `-m heddle --${statement.kind}`;
  }
}
