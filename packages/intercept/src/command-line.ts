import { parseArgs } from "node:util";
import { parsePrefix } from "@heddle/netlink";
import { DEFAULT_OPTIONS, type IdRange, type InterceptOptions, type PortRange, type ProxyIdentity } from "./options.ts";

export type CommandLine =
  | {
      readonly kind: "run";
      readonly options: InterceptOptions;
      readonly dryRun: boolean;
      readonly ipv6?: boolean;
      readonly notices: readonly string[];
    }
  | { readonly kind: "help" }
  /** All problems, one sentence each. */
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/** Flags and their short forms as Istio's `istio-iptables`; see `USAGE`. */
const FLAGS = {
  "envoy-port": { type: "string", short: "p" },
  "inbound-capture-port": { type: "string", short: "z" },
  "inbound-tunnel-port": { type: "string", short: "e" },
  "proxy-uid": { type: "string", short: "u" },
  "proxy-gid": { type: "string", short: "g" },
  "istio-inbound-interception-mode": { type: "string", short: "m" },
  "istio-inbound-ports": { type: "string", short: "b" },
  "istio-local-exclude-ports": { type: "string", short: "d" },
  "istio-service-cidr": { type: "string", short: "i" },
  "istio-service-exclude-cidr": { type: "string", short: "x" },
  "istio-outbound-ports": { type: "string", short: "q" },
  "istio-local-outbound-ports-exclude": { type: "string", short: "o" },
  "istio-exclude-interfaces": { type: "string", short: "c" },
  "kube-virt-interfaces": { type: "string", short: "k" },
  "istio-exclude-uids": { type: "string" },
  "istio-outbound-owner-groups-exclude": { type: "string" },
  "redirect-dns": { type: "boolean" },
  "capture-all-dns": { type: "boolean" },
  ipv6: { type: "string" },
  "dry-run": { type: "boolean", short: "n" },
  help: { type: "boolean", short: "h" },
} as const;

export const USAGE = `Usage: heddle intercept [flags]

Redirects the TCP traffic of this network namespace to the mesh proxy. Running it again replaces its rules.
PORTS are numbers and ranges: 80,8000-8010.

  -p, --envoy-port PORT                          outgoing traffic goes here (15001)
  -z, --inbound-capture-port PORT                incoming traffic goes here (15006)
  -e, --inbound-tunnel-port PORT                 incoming port left alone for tunnels (15008)
  -u, --proxy-uid UIDS                           users whose traffic is the proxy's own (1337)
  -g, --proxy-gid GIDS                           groups whose traffic is the proxy's own (1337)
  -m, --istio-inbound-interception-mode MODE     REDIRECT or NONE (REDIRECT)
  -b, --istio-inbound-ports PORTS                incoming ports to capture; * is all, empty none (*)
  -d, --istio-local-exclude-ports PORTS          incoming ports to leave alone, with -b '*'
  -i, --istio-service-cidr CIDRS                 destinations to capture; * is all (*)
  -x, --istio-service-exclude-cidr CIDRS         destinations to leave alone
  -q, --istio-outbound-ports PORTS               outgoing ports to capture whatever the destination
  -o, --istio-local-outbound-ports-exclude PORTS outgoing ports to leave alone
  -c, --istio-exclude-interfaces NAMES           interfaces to leave alone
  -k, --kube-virt-interfaces NAMES               interfaces whose incoming traffic counts as outgoing
      --istio-exclude-uids UIDS                  users (1000 or 1000-1999) whose traffic is left alone
      --istio-outbound-owner-groups-exclude GIDS groups whose traffic is left alone
      --redirect-dns                             questions to the servers of /etc/resolv.conf go to port 15053
      --capture-all-dns                          questions to any DNS server do
      --ipv6 true|false                          rules for IPv6 too (default: when the pod has an IPv6 address)
  -n, --dry-run                                  print the rules, change nothing

ISTIO_META_DNS_CAPTURE=true in the environment is --redirect-dns.
HEDDLE_PROXY_MARK=1337 in the environment tells the proxy's traffic by its socket mark instead of user and group.
`;

type Values = Readonly<Partial<Record<keyof typeof FLAGS, string | boolean>>>;

const NO_DNS_BY_MARK =
  "DNS capture (ISTIO_META_DNS_CAPTURE, --redirect-dns) is left out: with HEDDLE_PROXY_MARK the proxy's own questions can't be told from the application's; names are looked up at the cluster's DNS";
const NO_SERVERS =
  "DNS capture is left out: /etc/resolv.conf names no server; --capture-all-dns captures questions to any";

function wantsDns(values: Values, env: Readonly<Record<string, string | undefined>>): boolean {
  return (
    env["ISTIO_META_DNS_CAPTURE"] === "true" || values["redirect-dns"] === true || values["capture-all-dns"] === true
  );
}

/**
 * Reads flags and environment. Pure.
 * @param nameservers Of the pod's `/etc/resolv.conf`.
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nameservers: readonly string[] = [],
): CommandLine {
  let values: Values;
  try {
    values = parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "problems", problems: [`${reason}; heddle intercept --help lists the flags`] };
  }
  if (values.help === true) return { kind: "help" };
  const read = new FlagReader(values);
  const base = readOptions(read, env);
  const { dns, notices } = readDns(values, env, base.proxy, nameservers);
  const options: InterceptOptions = { ...base, dns };
  const ipv6 = read.text("ipv6");
  if (ipv6 !== undefined && ipv6 !== "true" && ipv6 !== "false") read.problem("ipv6", ipv6, "true or false");
  if (read.problems.length > 0) return { kind: "problems", problems: read.problems };
  return {
    kind: "run",
    options,
    dryRun: values["dry-run"] === true,
    notices,
    ...(ipv6 === undefined ? {} : { ipv6: ipv6 === "true" }),
  };
}

function readDns(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
  proxy: ProxyIdentity,
  nameservers: readonly string[],
): { readonly dns: InterceptOptions["dns"]; readonly notices: readonly string[] } {
  if (!wantsDns(values, env)) return { dns: "none", notices: [] };
  if (proxy.kind === "mark") return { dns: "none", notices: [NO_DNS_BY_MARK] };
  if (values["capture-all-dns"] === true) return { dns: "all", notices: [] };
  return nameservers.length === 0 ? { dns: "none", notices: [NO_SERVERS] } : { dns: nameservers, notices: [] };
}

function readOptions(read: FlagReader, env: Readonly<Record<string, string | undefined>>): InterceptOptions {
  const d = DEFAULT_OPTIONS;
  return {
    outboundPort: read.port("envoy-port", d.outboundPort),
    inboundPort: read.port("inbound-capture-port", d.inboundPort),
    tunnelPort: read.port("inbound-tunnel-port", d.tunnelPort),
    mode: read.mode(),
    proxy: readProxy(read, env),
    inboundPorts: read.text("istio-inbound-ports") === "*" ? "*" : read.ports("istio-inbound-ports", d.inboundPorts),
    inboundPortsExclude: read.ports("istio-local-exclude-ports", []),
    outboundRanges: read.ranges("istio-service-cidr", d.outboundRanges),
    outboundRangesExclude: read.prefixes("istio-service-exclude-cidr"),
    outboundPortsInclude: read.ports("istio-outbound-ports", []),
    outboundPortsExclude: read.ports("istio-local-outbound-ports-exclude", []),
    interfacesExclude: read.list("istio-exclude-interfaces"),
    virtualInterfaces: read.list("kube-virt-interfaces"),
    usersExclude: read.ids("istio-exclude-uids"),
    groupsExclude: read.ids("istio-outbound-owner-groups-exclude"),
    dns: d.dns,
    dnsPort: d.dnsPort,
  };
}

function readProxy(read: FlagReader, env: Readonly<Record<string, string | undefined>>): ProxyIdentity {
  const mark = env["HEDDLE_PROXY_MARK"];
  if (mark !== undefined && mark !== "") {
    const value = Number(mark);
    if (Number.isInteger(value) && value > 0 && value <= 0xffffffff) return { kind: "mark", mark: value };
    read.problems.push(`HEDDLE_PROXY_MARK: "${mark}" is no socket mark (a number from 1 to 4294967295, such as 1337)`);
  }
  const single = (flag: "proxy-uid" | "proxy-gid") =>
    read.text(flag) === undefined ? [1337] : read.ids(flag).map(({ first }) => first);
  return { kind: "owner", users: single("proxy-uid"), groups: single("proxy-gid") };
}

class FlagReader {
  readonly #values: Values;
  readonly problems: string[] = [];

  constructor(values: Values) {
    this.#values = values;
  }

  text(flag: keyof typeof FLAGS): string | undefined {
    const value = this.#values[flag];
    return typeof value === "string" ? value.trim() : undefined;
  }

  list(flag: keyof typeof FLAGS): readonly string[] {
    return (this.text(flag) ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }

  problem(flag: string, value: string, expected: string): void {
    this.problems.push(`--${flag}: "${value}" is not valid; expected ${expected}`);
  }

  port(flag: keyof typeof FLAGS, fallback: number): number {
    const text = this.text(flag);
    return text === undefined || text === "" ? fallback : this.#number(flag, text);
  }

  ports<T>(flag: keyof typeof FLAGS, fallback: T): readonly PortRange[] | T {
    if (this.text(flag) === undefined) return fallback;
    return this.list(flag).flatMap((part) => {
      const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
      const [first, last] = [Number(from), Number(to)];
      if (first >= 1 && first <= last && last <= 65535) return [{ first, last }];
      this.problem(flag, part, "a port or a range such as 8000-8010, from 1 to 65535");
      return [];
    });
  }

  #number(flag: string, text: string): number {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65535) this.problem(flag, text, "a port from 1 to 65535");
    return port;
  }

  ranges(flag: keyof typeof FLAGS, fallback: "*" | readonly string[]): "*" | readonly string[] {
    const text = this.text(flag);
    return text === undefined ? fallback : text === "*" ? "*" : this.prefixes(flag);
  }

  prefixes(flag: keyof typeof FLAGS): readonly string[] {
    return this.list(flag).filter((part) => {
      if (parsePrefix(part) !== undefined) return true;
      this.problem(flag, part, "an address range such as 10.0.0.0/8");
      return false;
    });
  }

  ids(flag: keyof typeof FLAGS): readonly IdRange[] {
    return this.list(flag).flatMap((part) => {
      const [, first, last] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part) ?? [];
      if (first !== undefined && Number(last ?? first) >= Number(first) && Number(last ?? first) < 0xffffffff) {
        return [{ first: Number(first), last: Number(last ?? first) }];
      }
      this.problem(flag, part, "a numeric id or a range such as 1000-1999");
      return [];
    });
  }

  mode(): InterceptOptions["mode"] {
    const mode = this.text("istio-inbound-interception-mode") ?? "REDIRECT";
    if (mode === "REDIRECT" || mode === "NONE") return mode;
    if (mode === "TPROXY") {
      this.problems.push(
        "--istio-inbound-interception-mode: TPROXY is not available; use REDIRECT (the proxy then sees the caller by its mesh identity, not by its address)",
      );
    } else this.problem("istio-inbound-interception-mode", mode, "REDIRECT or NONE");
    return "NONE";
  }
}
