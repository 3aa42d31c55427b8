import { readFile } from "node:fs/promises";
import { type NameServer, parseNameServer, parseResolvConf, type ResolvConf } from "@heddle/dns";
import type { Clock, Logger, MetricsRegistry } from "@heddle/std";
import type { AgentOptions } from "./agent-options.ts";
import { DNS_PROXY_PORT, type DnsProxy, startDnsProxy } from "./dns-proxy.ts";

/** The workload's questions are redirected here (`ISTIO_META_DNS_CAPTURE`). */
export function capturesDns(options: AgentOptions): boolean {
  return options.meta["DNS_CAPTURE"] === "true";
}

/** Where the proxy is told by a socket mark, packet rules can't tell its questions from the application's: nothing is captured. */
export function withoutDnsCapture(options: AgentOptions): AgentOptions {
  const { DNS_CAPTURE: _left, ...meta } = options.meta;
  return { ...options, meta };
}

/** Servers and search domains that the workload was given. */
export async function readResolvConf(): Promise<ResolvConf & { readonly servers: readonly NameServer[] }> {
  const conf = parseResolvConf(await readFile("/etc/resolv.conf", "utf8").catch(() => ""));
  return { ...conf, servers: conf.nameservers.flatMap((text) => parseNameServer(text) ?? []) };
}

/** Serves the workload's names on loopback. Errors: rejects when the port is taken. */
export async function startCapturedDns(deps: {
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly registry: MetricsRegistry;
  readonly log: Logger;
}): Promise<DnsProxy> {
  const { options, log } = deps;
  const { servers, search } = await readResolvConf();
  if (servers.length === 0) log.warn("/etc/resolv.conf names no server: only names of the mesh will be found");
  return startDnsProxy({
    ...deps,
    addresses: options.podIp.includes(":") ? ["127.0.0.1", "::1"] : ["127.0.0.1"],
    port: DNS_PROXY_PORT,
    upstream: servers,
    namespace: options.namespace,
    search,
    zones: [],
  });
}
