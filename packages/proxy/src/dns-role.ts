import { parseArgs } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { type NameServer, parseNameServer } from "@heddle/dns";
import {
  createLineSink,
  createLogger,
  createMetricsRegistry,
  createSystemClock,
  type LogLevel,
  parseLogLevel,
} from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { startAgent } from "./agent/agent.ts";
import { type AgentOptions, readAgentOptions } from "./agent/agent-options.ts";
import { readResolvConf } from "./agent/dns-capture.ts";
import { type DnsProxy, startDnsProxy } from "./agent/dns-proxy.ts";
import { createNameClient } from "./agent/name-client.ts";
import { withNameTable } from "./agent/name-table.ts";
import { jsonObject, nodeIdentity } from "./agent/node-identity.ts";
import { startStatusServer } from "./agent/status-server.ts";
import { createAdsClient } from "./xds/ads-client.ts";

type Env = Readonly<Record<string, string | undefined>>;

const VERSION = "0.1.0";

const USAGE = `Usage: heddle dns [flags]

Answers for hosts of ServiceEntries, such as name.namespace.global, to whom the cluster's DNS sends them: kube-dns by
stubDomains {"global": ["<address>"]}, CoreDNS by a block global:53 { forward . <address> }.

  --address HOST:PORT    where to listen, UDP and TCP (default 0.0.0.0:53)
  --zones NAMES          zones that are the mesh's alone: what is unknown there does not exist (default global)
  --upstream SERVERS     asked for other names: addresses, or resolv.conf (default: none, such questions are refused)
  --discovery HOST:PORT  control plane (default: discoveryAddress of PROXY_CONFIG, else istiod.istio-system.svc:15012)
  --plaintext            ask the control plane's plaintext port (15010), without a certificate
  --log-level LEVEL      debug, info, warn, error (default info)

It runs as a pod with the environment and the token of a sidecar; 15020 has /healthz/ready and /stats/prometheus.
`;

interface DnsOptions {
  readonly host: string;
  readonly port: number;
  readonly zones: readonly string[];
  readonly upstream: readonly NameServer[];
  readonly plaintext: boolean;
}

/** The mesh's DNS for a whole cluster (`heddle dns`). Gives the exit code. */
export async function main(argv: readonly string[], env: Env): Promise<number> {
  const string = { type: "string" } as const;
  const problems: string[] = [];
  let values: { readonly [flag: string]: string | boolean | undefined } = {};
  try {
    const options = {
      address: string,
      zones: string,
      upstream: string,
      discovery: string,
      plaintext: { type: "boolean" },
      "log-level": string,
      help: { type: "boolean", short: "h" },
    } as const;
    ({ values } = parseArgs({ args: [...argv], strict: true, options }));
  } catch (error) {
    problems.push(`${error instanceof Error ? error.message : String(error)}; see heddle dns --help`);
  }
  if (values["help"] === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const text = (flag: string, fallback: string) => (typeof values[flag] === "string" ? String(values[flag]) : fallback);
  const dns = await readDnsOptions(text, values["plaintext"] === true, problems);
  const discovery = text("discovery", "");
  const agent = readAgentOptions(["sidecar"], {
    POD_NAME: "heddle-dns",
    POD_NAMESPACE: "istio-system",
    INSTANCE_IP: "0.0.0.0",
    ...env,
    ...(discovery === "" ? {} : { CA_ADDR: env["CA_ADDR"] ?? discovery }),
  });
  problems.push(...agent.problems.map(({ path, reason }) => `${path} ${reason}`));
  const level = parseLogLevel(text("log-level", "info"));
  if (level === undefined) problems.push(`--log-level: ${text("log-level", "")} is none of debug, info, warn, error`);
  if (problems.length > 0) {
    for (const problem of problems) process.stderr.write(`heddle dns: ${problem}\n`);
    return 2;
  }
  const options = {
    ...agent.options,
    meta: { ...agent.options.meta, DNS_CAPTURE: "true" },
    ...(discovery === "" ? {} : { discoveryAddress: discovery }),
  };
  return serve(options, dns, level ?? "info");
}

async function readDnsOptions(
  text: (flag: string, fallback: string) => string,
  plaintext: boolean,
  problems: string[],
): Promise<DnsOptions> {
  const list = (flag: string, fallback: string) =>
    text(flag, fallback)
      .split(",")
      .map((part) => part.trim().toLowerCase().replace(/\.$/, ""))
      .filter((part) => part !== "");
  const address = text("address", "0.0.0.0:53");
  const place = parseListen(address);
  if (place === undefined) problems.push(`--address: "${address}" is no address and port such as 0.0.0.0:53`);
  const upstream: NameServer[] = [];
  for (const one of list("upstream", "")) {
    if (one === "resolv.conf") upstream.push(...(await readResolvConf()).servers);
    else {
      const server = parseNameServer(one);
      if (server === undefined) problems.push(`--upstream: "${one}" is neither an address nor resolv.conf`);
      else upstream.push(server);
    }
  }
  return {
    host: place?.ip ?? "",
    port: place?.port ?? 0,
    zones: list("zones", "global"),
    upstream,
    plaintext,
  };
}

/** As a server's address; the host may be left out, and port 0 takes any. */
function parseListen(text: string): NameServer | undefined {
  const whole = text.startsWith(":") ? `0.0.0.0${text}` : text;
  const address = parseNameServer(whole.replace(/:0$/, ":1"));
  return address === undefined ? undefined : whole.endsWith(":0") ? { ...address, port: 0 } : address;
}

async function serve(options: AgentOptions, dns: DnsOptions, level: LogLevel): Promise<number> {
  const clock = createSystemClock();
  const log = createLogger({
    clock,
    level,
    scope: "dns",
    sink: createLineSink("text", (line) => process.stderr.write(line)),
  });
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
  const registry = createMetricsRegistry();
  const random = Math.random;
  let server: DnsProxy;
  try {
    server = await startDnsProxy({
      addresses: [dns.host],
      port: dns.port,
      upstream: dns.upstream,
      namespace: "",
      search: [],
      zones: dns.zones,
      clock,
      random,
      registry,
      log,
    });
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const common = { clock, random, log, version: VERSION };
  const stream = dns.plaintext ? plaintextNames(options, server, common) : await meshNames(options, server, common);
  let quit: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const status = startStatusServer({
    statusPort: options.statusPort,
    readinessPort: undefined,
    podIp: options.podIp,
    probers: new Map(),
    appMetrics: undefined,
    log,
    notReady: () => (server.ready ? undefined : "no names have arrived from the control plane yet"),
    metrics: async () => registry.expose(),
    onQuit: () => quit(),
    onDrain: () => undefined,
  });
  await Promise.race([stopped, asked]);
  stream.close();
  await Promise.all([server.close(), status.close()]);
  return 0;
}

type Common = Pick<Parameters<typeof createNameClient>[0], "clock" | "random" | "log" | "version">;

async function meshNames(options: AgentOptions, server: DnsProxy, common: Common): Promise<{ close(): void }> {
  const agent = await startAgent({ options, ...common });
  const names = createNameClient({ ...common, agent, address: options.discoveryAddress, onTable: server.setNames });
  return {
    close: () => {
      names.close();
      agent.close();
    },
  };
}

function plaintextNames(options: AgentOptions, server: DnsProxy, common: Common): { close(): void } {
  const node = nodeIdentity(options, {}, {}, common.version);
  const ads = createAdsClient({
    ...common,
    address: options.discoveryAddress,
    node: { id: node.id, cluster: node.cluster, metadata: jsonObject({ ...node.metadata, HEDDLE_STREAM: "names" }) },
    resources: withNameTable(server.setNames),
    types: [typeUrls.nameTable],
    localSecrets: new Set(),
    credentials: () => credentials.createInsecure(),
  });
  ads.start();
  return ads;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
