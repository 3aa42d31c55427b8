import { type Cidr, cidrContains, parseIp } from "@heddle/std";
import type { ChainMatchConfig } from "../config/chain-match.ts";
import type { ChainTree, FilterChainConfig, ListenerConfig } from "../config/listener.ts";
import { isLocalSource, matchTree } from "./match-tree.ts";

/** What is known of a connection when its filter chain is chosen. */
export interface ConnectionFacts {
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly sourceIp: string;
  /** Of the connection itself, whatever a PROXY header says. */
  readonly directSourceIp: string;
  readonly sourcePort: number;
  /** `tls` or `raw_buffer`. */
  readonly transportProtocol: string;
  /** SNI, lower case, or "". */
  readonly serverName: string;
  /** ALPN of a ClientHello, or what the HTTP inspector saw (`http/1.1`, `h2c`). */
  readonly applicationProtocols: readonly string[];
}

/**
 * The filter chain for a connection, or undefined. Criteria narrow the chains one after the other, the most specific value of
 * each winning, without going back. Source: Envoy `FilterChainMatch`.
 */
export function matchFilterChain(listener: ListenerConfig, facts: ConnectionFacts): FilterChainConfig | undefined {
  if (listener.chainTree !== undefined) return byTree(listener.chainTree, listener, facts);
  const destination = parsedOnce(facts.destinationIp);
  const source = parsedOnce(facts.sourceIp);
  const direct = parsedOnce(facts.directSourceIp);
  let left: readonly FilterChainConfig[] = listener.chains;
  left = narrow(left, (m) =>
    m.destinationPort === undefined ? 0 : m.destinationPort === facts.destinationPort ? 1 : -1,
  );
  left = narrow(left, (m) => cidrScore(m.destinations, destination));
  left = narrow(left, (m) => serverNameScore(m.serverNames, facts.serverName));
  left = narrow(left, (m) =>
    m.transportProtocol === "" ? 0 : m.transportProtocol === facts.transportProtocol ? 1 : -1,
  );
  left = narrow(left, (m) => applicationScore(m.applicationProtocols, facts.applicationProtocols));
  left = narrow(left, (m) => cidrScore(m.directSources, direct));
  left = narrow(left, (m) => sourceTypeScore(m, facts));
  left = narrow(left, (m) => cidrScore(m.sources, source));
  left = narrow(left, (m) => (m.sourcePorts.length === 0 ? 0 : m.sourcePorts.includes(facts.sourcePort) ? 1 : -1));
  return left[0] ?? listener.defaultChain;
}

/** A name that no chain has leads nowhere, not to the default. Source: Envoy. */
function byTree(
  { tree, byName }: ChainTree,
  listener: ListenerConfig,
  facts: ConnectionFacts,
): FilterChainConfig | undefined {
  const name = matchTree(tree, { ...facts, peer: undefined, request: undefined });
  return name === undefined || name === null ? listener.defaultChain : byName.get(name);
}

/** Keeps the chains with the highest score; negative ones never match. */
function narrow(
  chains: readonly FilterChainConfig[],
  score: (match: ChainMatchConfig) => number,
): readonly FilterChainConfig[] {
  let best = -1;
  let kept: FilterChainConfig[] = [];
  for (const chain of chains) {
    const value = score(chain.match);
    if (value < 0 || value < best) continue;
    if (value > best) {
      best = value;
      kept = [];
    }
    kept.push(chain);
  }
  return kept;
}

/** Most listeners never ask for the bytes of an address. */
function parsedOnce(text: string): () => Uint8Array | undefined {
  let parsed: { readonly ip: Uint8Array | undefined } | undefined;
  return () => {
    parsed ??= { ip: parseIp(text) };
    return parsed.ip;
  };
}

/** 0 without a condition, else 1 + the longest prefix that contains the address, or -1. */
function cidrScore(ranges: readonly Cidr[], address: () => Uint8Array | undefined): number {
  if (ranges.length === 0) return 0;
  const ip = address();
  let best = -1;
  for (const range of ranges) {
    if (ip !== undefined && cidrContains(range, ip)) best = Math.max(best, 1 + range.prefixLength);
  }
  return best;
}

function serverNameScore(names: readonly string[], serverName: string): number {
  if (names.length === 0) return 0;
  let best = -1;
  for (const name of names) {
    if (name === serverName) return 1000;
    if (name.startsWith("*.") && serverName.endsWith(name.slice(1)) && serverName.length > name.length - 1) {
      best = Math.max(best, name.length);
    }
  }
  return best;
}

/** The client's earlier protocols win over its later ones. */
function applicationScore(wanted: readonly string[], offered: readonly string[]): number {
  if (wanted.length === 0) return 0;
  for (let i = 0; i < offered.length; i++) {
    if (wanted.includes(offered[i] ?? "")) return 1000 - i;
  }
  return -1;
}

function sourceTypeScore(match: ChainMatchConfig, facts: ConnectionFacts): number {
  if (match.sourceType === "any") return 0;
  return isLocalSource(facts) === (match.sourceType === "local") ? 1 : -1;
}

/** What must be looked at before a chain of this listener can be chosen. */
export interface InspectionNeeds {
  readonly tls: boolean;
  readonly http: boolean;
  /** These fingerprints are wanted, too. */
  readonly ja3: boolean;
  readonly ja4: boolean;
}

/** Inspectors only run where a chain's choice, or its choice of a cluster, depends on them. */
export function inspectionNeeds(listener: ListenerConfig): InspectionNeeds {
  const { chains, chainTree } = listener;
  const tls =
    listener.listenerFilters.includes("tls-inspector") &&
    (listener.ja3 ||
      chainTree?.needsTls === true ||
      listener.ja4 ||
      chains.some(
        (c) =>
          c.match.transportProtocol !== "" ||
          c.match.serverNames.length > 0 ||
          c.match.applicationProtocols.length > 0 ||
          c.filters.some((filter) => filter.kind === "sni-cluster"),
      ));
  const http =
    listener.listenerFilters.includes("http-inspector") &&
    (chainTree?.needsHttp === true || chains.some((c) => c.match.applicationProtocols.length > 0));
  return { tls, http, ja3: listener.ja3, ja4: listener.ja4 };
}
