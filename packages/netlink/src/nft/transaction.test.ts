import { describe, expect, test } from "bun:test";
import { printRule, printRuleset } from "./print.ts";
import type { Rule, Ruleset, Statement } from "./ruleset.ts";
import { encodeTransaction } from "./transaction.ts";

function oneRule(statements: readonly Statement[], family: "ip" | "ip6" = "ip"): Ruleset {
  return { tables: [{ family, name: "t", chains: [{ name: "c", rules: [{ statements }] }] }] };
}

/** The bytes of the last rule's expression list, as hex. */
function expressionsOf(statements: readonly Statement[], xtables = false): string {
  const { bytes } = encodeTransaction(oneRule(statements), { xtables });
  const text = Buffer.from(bytes).toString("hex");
  // Rule message: table "t", chain "c", then attribute 4 (expressions).
  const marker = "0600010074000000" + "0600020063000000";
  return text.slice(text.lastIndexOf(marker) + marker.length);
}

describe("nf_tables transactions", () => {
  // Checked once against what nft 1.0.6 and iptables-nft 1.8.9 sent for the same rules, and by listing them back.
  test("return is an immediate verdict", () => {
    // List, element, name "immediate"; data: register 0 (verdict), value: verdict code -5.
    const name = "0e000100696d6d656469617465000000";
    const data = "1c0002800800010000000000100002800c00028008000100fffffffb";
    expect(expressionsOf([{ kind: "return" }])).toStartWith(`3400048030000180${name}${data}`);
  });

  test("tcp is compared in one byte", () => {
    const hex = expressionsOf([{ kind: "protocol", protocol: "tcp" }]);
    expect(hex).toContain(`${"09000100"}6d65746100000000`);
    expect(hex).toContain("0500010006000000");
  });

  test("a prefix of whole bytes needs no mask, another does", () => {
    const of = (prefix: string) => expressionsOf([{ kind: "address", side: "destination", prefix }]);
    expect(of("10.0.0.0/8")).not.toContain(Buffer.from("bitwise").toString("hex"));
    expect(of("10.16.0.0/12")).toContain(Buffer.from("bitwise").toString("hex"));
    expect(of("0.0.0.0/0")).not.toContain(Buffer.from("payload").toString("hex"));
  });

  test("with xtables, owner and redirect use iptables' extensions", () => {
    const owner: Statement = { kind: "owner", of: "user", id: 1337 };
    expect(expressionsOf([owner], true)).toContain(Buffer.from("owner").toString("hex"));
    expect(expressionsOf([owner])).not.toContain(Buffer.from("match").toString("hex"));
    expect(expressionsOf([{ kind: "redirect", port: 15001 }], true)).toContain(Buffer.from("REDIRECT").toString("hex"));
    expect(expressionsOf([{ kind: "redirect", port: 15001 }])).toContain(Buffer.from("redir").toString("hex"));
  });

  test("an address of the other family is refused with its text", () => {
    const statement: Statement = { kind: "address", side: "source", prefix: "::1/128" };
    expect(() => encodeTransaction(oneRule([statement]))).toThrow('"::1/128" does not belong in a table of family ip');
    expect(() => encodeTransaction(oneRule([statement], "ip6"))).not.toThrow();
  });

  test("every message has a description for errors", () => {
    const { descriptions } = encodeTransaction(oneRule([{ kind: "counter" }, { kind: "accept" }]));
    expect([...descriptions.values()].at(-1)).toBe('rule "counter accept" of chain c, table t');
  });

  test("large maps are split into several messages", () => {
    const elements = Array.from({ length: 1000 }, (_, i) => ({
      key: [`10.1.${i >> 8}.${i & 255}`, "tcp", 80],
      verdict: { kind: "accept" } as const,
    }));
    const map = { name: "m", key: ["daddr", "protocol", "dport"] as const, elements };
    const { descriptions } = encodeTransaction({ tables: [{ family: "ip", name: "t", maps: [map], chains: [] }] });
    expect([...descriptions.values()].filter((text) => text === "elements of map m").length).toBe(3);
  });

  test("inputs are not changed", () => {
    const statements = Object.freeze([Object.freeze({ kind: "accept" } as const)]);
    expect(() => encodeTransaction(Object.freeze(oneRule(statements)))).not.toThrow();
  });
});

describe("printing", () => {
  test("rules read as nft writes them", () => {
    const rule: Rule = {
      statements: [
        { kind: "interface", direction: "out", name: "lo" },
        { kind: "address", side: "destination", prefix: "127.0.0.1/32", negate: true },
        { kind: "protocol", protocol: "tcp" },
        { kind: "port", side: "destination", port: 15008, negate: true },
        { kind: "owner", of: "user", id: 1337 },
        { kind: "jump", chain: "X" },
      ],
      comment: "why",
    };
    expect(printRule(rule)).toBe(
      'oifname "lo" ip daddr != 127.0.0.1/32 meta l4proto tcp th dport != 15008 meta skuid 1337 jump X comment "why"',
    );
  });

  test("a table shows hooks", () => {
    const hook = { type: "nat", name: "output", priority: -100 } as const;
    const text = printRuleset({
      tables: [{ family: "ip", name: "nat", chains: [{ name: "OUTPUT", hook, rules: [] }] }],
    });
    expect(text).toContain("type nat hook output priority -100; policy accept;");
  });
});
