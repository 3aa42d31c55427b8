import { describe, expect, test } from "bun:test";
import { iptablesText } from "./iptables-text.ts";
import { DEFAULT_OPTIONS, type InterceptOptions } from "./options.ts";
import { interceptRuleset } from "./ruleset.ts";

/** Rules of one chain, as iptables-save shows them. */
function chain(name: string, change: Partial<InterceptOptions> = {}, family: "ip" | "ip6" = "ip"): string[] {
  const options = Object.freeze({ ...DEFAULT_OPTIONS, ...change });
  const prefix = `-A ${name} `;
  const lines = iptablesText(interceptRuleset(options, [family])).split("\n");
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
}

const ports = (...numbers: readonly number[]) => numbers.map((port) => ({ first: port, last: port }));

/** What Istio writes by default, in its order. */
const OUTPUT_BY_DEFAULT = [
  "-o lo -s 127.0.0.6/32 -j RETURN",
  "-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT",
  "-o lo -m owner ! --uid-owner 1337 -j RETURN",
  "-m owner --uid-owner 1337 -j RETURN",
  "-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT",
  "-o lo -m owner ! --gid-owner 1337 -j RETURN",
  "-m owner --gid-owner 1337 -j RETURN",
  "-d 127.0.0.1/32 -j RETURN",
  "-j ISTIO_REDIRECT",
];

describe("the rules are Istio's", () => {
  test("by default", () => {
    expect(chain("PREROUTING")).toEqual(["-p tcp -j ISTIO_INBOUND"]);
    expect(chain("OUTPUT")).toEqual(["-j ISTIO_OUTPUT"]);
    expect(chain("ISTIO_INBOUND")).toEqual(["-p tcp --dport 15008 -j RETURN", "-p tcp -j ISTIO_IN_REDIRECT"]);
    expect(chain("ISTIO_OUTPUT")).toEqual(OUTPUT_BY_DEFAULT);
    expect(chain("ISTIO_REDIRECT")).toEqual(["-p tcp -j REDIRECT --to-ports 15001"]);
    expect(chain("ISTIO_IN_REDIRECT")).toEqual(["-p tcp -j REDIRECT --to-ports 15006"]);
  });

  test("incoming ports: excluded, listed, none", () => {
    expect(chain("ISTIO_INBOUND", { inboundPortsExclude: ports(15090, 22) })).toEqual([
      "-p tcp --dport 15008 -j RETURN",
      "-p tcp --dport 15090 -j RETURN",
      "-p tcp --dport 22 -j RETURN",
      "-p tcp -j ISTIO_IN_REDIRECT",
    ]);
    expect(chain("ISTIO_INBOUND", { inboundPorts: ports(80, 81) }).slice(1)).toEqual([
      "-p tcp --dport 80 -j ISTIO_IN_REDIRECT",
      "-p tcp --dport 81 -j ISTIO_IN_REDIRECT",
    ]);
    expect(chain("PREROUTING", { inboundPorts: [] })).toEqual([]);
  });

  test("excluded outgoing ports come first, for tcp and udp", () => {
    expect(chain("ISTIO_OUTPUT", { outboundPortsExclude: ports(25) })).toEqual([
      "-p tcp --dport 25 -j RETURN",
      "-p udp --dport 25 -j RETURN",
      ...OUTPUT_BY_DEFAULT,
    ]);
  });

  test("a range of ports is one rule, however long", () => {
    const range = [{ first: 1, last: 65535 }];
    expect(chain("ISTIO_OUTPUT", { outboundPortsExclude: range }).slice(0, 2)).toEqual([
      "-p tcp --dport 1:65535 -j RETURN",
      "-p udp --dport 1:65535 -j RETURN",
    ]);
    expect(chain("ISTIO_INBOUND", { inboundPorts: [{ first: 80, last: 82 }] })[1]).toBe(
      "-p tcp --dport 80:82 -j ISTIO_IN_REDIRECT",
    );
  });

  test("excluded and included ranges, each in its family", () => {
    const change: Partial<InterceptOptions> = {
      outboundRanges: ["10.0.0.0/8", "fd00::/8"],
      outboundRangesExclude: ["10.9.0.0/16"],
      outboundPortsInclude: ports(8443),
    };
    expect(chain("ISTIO_OUTPUT", change).slice(-4)).toEqual([
      "-d 127.0.0.1/32 -j RETURN",
      "-d 10.9.0.0/16 -j RETURN",
      "-p tcp --dport 8443 -j ISTIO_REDIRECT",
      "-d 10.0.0.0/8 -j ISTIO_REDIRECT",
    ]);
    expect(chain("ISTIO_OUTPUT", change, "ip6").slice(-3)).toEqual([
      "-d ::1/128 -j RETURN",
      "-p tcp --dport 8443 -j ISTIO_REDIRECT",
      "-d fd00::/8 -j ISTIO_REDIRECT",
    ]);
  });

  test("an included loopback range is not returned early", () => {
    const rules = chain("ISTIO_OUTPUT", { outboundRanges: ["127.1.2.3/32"] });
    expect(rules.filter((rule) => rule.includes("! --uid-owner"))).toEqual([]);
  });

  test("IPv6 has its own loopback and pass-through source", () => {
    expect(chain("ISTIO_OUTPUT", {}, "ip6")[0]).toBe("-o lo -s ::6/128 -j RETURN");
  });

  test("a mark stands in for user and group", () => {
    expect(chain("ISTIO_OUTPUT", { proxy: { kind: "mark", mark: 0x539 } })).toEqual([
      "-p tcp --dport 15010 -j RETURN",
      "-p tcp --dport 15012 -j RETURN",
      "-o lo -s 127.0.0.6/32 -j RETURN",
      "-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m mark --mark 0x539 -j ISTIO_IN_REDIRECT",
      "-o lo -m mark ! --mark 0x539 -j RETURN",
      "-m mark --mark 0x539 -j RETURN",
      "-d 127.0.0.1/32 -j RETURN",
      "-j ISTIO_REDIRECT",
    ]);
  });

  test("users and groups left alone", () => {
    const rules = chain("ISTIO_OUTPUT", {
      usersExclude: [{ first: 5, last: 9 }],
      groupsExclude: [{ first: 7, last: 7 }],
    });
    expect(rules.slice(7, 9)).toEqual(["-m owner --uid-owner 5-9 -j RETURN", "-m owner --gid-owner 7 -j RETURN"]);
  });

  test("interfaces: left alone, and those of virtual machines", () => {
    expect(chain("PREROUTING", { interfacesExclude: ["eth1"], virtualInterfaces: ["tap0"] })).toEqual([
      "-i tap0 -j ISTIO_REDIRECT",
      "-i tap0 -j RETURN",
      "-i eth1 -j RETURN",
      "-p tcp -j ISTIO_INBOUND",
    ]);
    expect(chain("OUTPUT", { interfacesExclude: ["eth1"] })).toEqual(["-o eth1 -j RETURN", "-j ISTIO_OUTPUT"]);
  });

  test("questions to the pod's DNS servers go to the proxy, but for its own", () => {
    const change: Partial<InterceptOptions> = { dns: ["10.140.0.10", "fd00::53"] };
    expect(chain("OUTPUT", change)).toEqual(["-j ISTIO_OUTPUT", "-p udp --dport 53 -j ISTIO_OUTPUT_DNS"]);
    expect(chain("ISTIO_OUTPUT_DNS", change)).toEqual([
      "-p udp --dport 53 -m owner --uid-owner 1337 -j RETURN",
      "-p udp --dport 53 -m owner --gid-owner 1337 -j RETURN",
      "-p udp --dport 53 -d 10.140.0.10/32 -j REDIRECT --to-ports 15053",
    ]);
    expect(chain("ISTIO_OUTPUT", change)).toContain("-p tcp --dport 53 -d 10.140.0.10/32 -j REDIRECT --to-ports 15053");
    expect(chain("ISTIO_OUTPUT", change)).toContain("-o lo -p tcp ! --dport 53 -m owner ! --uid-owner 1337 -j RETURN");
    expect(chain("ISTIO_OUTPUT_DNS", change, "ip6").at(-1)).toBe(
      "-p udp --dport 53 -d fd00::53/128 -j REDIRECT --to-ports 15053",
    );
    expect(chain("ISTIO_OUTPUT_DNS", { dns: "all" }).at(-1)).toBe("-p udp --dport 53 -j REDIRECT --to-ports 15053");
    expect(chain("ISTIO_OUTPUT_DNS", { dns: "all", outboundPortsExclude: ports(53) }).at(-1)).toBe("-p udp -j RETURN");
    expect(chain("OUTPUT", { dns: ["fd00::53"] })).toEqual(["-j ISTIO_OUTPUT"]);
  });

  test("mode NONE writes nothing", () => {
    expect(interceptRuleset({ ...DEFAULT_OPTIONS, mode: "NONE" }, ["ip"]).tables).toEqual([]);
  });
});
