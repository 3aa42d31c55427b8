import { expect, test } from "bun:test";
import { cidrContains } from "@heddle/std";
import { seededRandom } from "@heddle/std/damage";
import { createRequestHead } from "@heddle/wire";
import { createIpTable } from "../config/matcher/ip-table.ts";
import type { MatchOutcome, MatchPredicate, MatchTree } from "../config/matcher/match-tree.ts";
import { bytesOfText } from "../config/wire-text.ts";
import { type MatchFacts, matchTree } from "./match-tree.ts";

const facts = (more: Partial<MatchFacts> = {}): MatchFacts => ({
  destinationIp: "10.0.0.1",
  destinationPort: 80,
  sourceIp: "10.0.0.2",
  sourcePort: 4000,
  directSourceIp: "10.0.0.3",
  serverName: "",
  transportProtocol: "raw_buffer",
  applicationProtocols: [],
  peer: undefined,
  request: undefined,
  ...more,
});
const action = (name: string) => ({ kind: "action" as const, action: name });

test("blocks of addresses: the same as looking at all of them, the most specific first", () => {
  const random = seededRandom(61);
  const byte = () => Math.floor(random() * 4);
  const blocks = Array.from({ length: 400 }, (_, i) => {
    const bytes = random() < 0.5 ? Uint8Array.of(10, byte(), byte(), byte()) : new Uint8Array(16).map(byte);
    const prefixLength = Math.floor(random() * (bytes.length * 8 + 1));
    return [
      { bytes, prefixLength },
      { value: i, exclusive: false },
    ] as const;
  });
  const table = createIpTable(blocks);
  expect([...table.values()]).toHaveLength(blocks.length);
  let found = 0;
  for (let round = 0; round < 2000; round++) {
    const ip = round % 2 === 0 ? Uint8Array.of(10, byte(), byte(), byte()) : new Uint8Array(16).map(byte);
    const naive = blocks
      .filter(([cidr]) => cidrContains(cidr, ip))
      .sort(([a], [b]) => b.prefixLength - a.prefixLength)
      .map(([, { value }]) => value);
    expect(table.find(ip).map(({ value }) => value)).toEqual(naive);
    found += naive.length;
  }
  expect(found).toBeGreaterThan(1000);
});

test("the longest prefix that leads anywhere wins", () => {
  const tree: MatchTree<string> = {
    kind: "prefix",
    input: { kind: "header", name: ":path" },
    outcomes: new Map<string, MatchOutcome<string>>([
      ["/", action("root")],
      ["/a", action("a")],
      ["/a/b", { kind: "tree", tree: { kind: "none", otherwise: undefined } }],
    ]),
    lengths: [4, 2, 1],
    otherwise: action("otherwise"),
  };
  const at = (path: string) => {
    const request = createRequestHead();
    request.path = path;
    return matchTree(tree, facts({ request }));
  };
  expect([at("/a/b/c"), at("/a"), at("/x"), at("*"), at("")]).toEqual(["a", "a", "root", "otherwise", "otherwise"]);
});

test("what can't be told ends the match, unless another condition has decided", () => {
  const untold: MatchPredicate = { kind: "text", input: { kind: "subject" }, match: text("x") };
  const yes: MatchPredicate = { kind: "text", input: { kind: "destination-port" }, match: text("80") };
  const no: MatchPredicate = { kind: "not", predicate: yes };
  const ask = (predicate: MatchPredicate) =>
    matchTree({ kind: "list", entries: [{ predicate, outcome: action("in") }], otherwise: action("out") }, facts());
  expect(ask(untold)).toBeNull();
  expect(ask({ kind: "not", predicate: untold })).toBeNull();
  expect(ask({ kind: "and", predicates: [no, untold] })).toBe("out");
  expect(ask({ kind: "and", predicates: [untold, no] })).toBeNull();
  expect(ask({ kind: "or", predicates: [untold, yes] })).toBe("in");
  expect(ask({ kind: "or", predicates: [untold, no] })).toBeNull();
});

function text(exact: string) {
  return { kind: "exact" as const, text: exact, ignoreCase: false };
}

test("inputs of connections and requests", () => {
  const request = createRequestHead();
  request.path = bytesOfText("/p?a=%41%c3%A9&b=%zz&c=é");
  request.authority = "host.test";
  request.headers.append("x-two", "1");
  request.headers.append("x-two", "2");
  const peer = { uriSans: ["spiffe://a", "spiffe://b"], dnsSans: [], subject: "CN=a", certificate: undefined };
  const all = facts({ request, peer, applicationProtocols: ["h2", "http/1.1"], serverName: "s.test" });
  const is = (input: Extract<MatchPredicate, { kind: "text" }>["input"], value: string, of = all) =>
    matchTree({ kind: "exact", input, outcomes: new Map([[value, action("yes")]]), otherwise: action("no") }, of);
  const values = [
    is({ kind: "destination-ip" }, "10.0.0.1"),
    is({ kind: "destination-port" }, "80"),
    is({ kind: "source-ip" }, "10.0.0.2"),
    is({ kind: "source-port" }, "4000"),
    is({ kind: "direct-source-ip" }, "10.0.0.3"),
    is({ kind: "server-name" }, "s.test"),
    is({ kind: "transport-protocol" }, "raw_buffer"),
    is({ kind: "application-protocol" }, "'h2','http/1.1'"),
    is({ kind: "uri-san" }, "spiffe://a,spiffe://b"),
    is({ kind: "subject" }, "CN=a"),
    is({ kind: "header", name: "x-two" }, "1,2"),
    is({ kind: "header", name: ":authority" }, "host.test"),
    is({ kind: "query", name: "a" }, "Aé"),
    is({ kind: "query", name: "b" }, "%zz"),
    is({ kind: "query", name: "c" }, "é"),
    is({ kind: "source-type" }, "local", facts({ sourceIp: "127.0.0.1" })),
  ];
  expect(values).toEqual(values.map(() => "yes"));
  expect(is({ kind: "dns-san" }, "")).toBe("no");
  expect(is({ kind: "subject" }, "", facts({ peer: null }))).toBe("no");
  expect(is({ kind: "header", name: "x-none" }, "")).toBe("no");
});
