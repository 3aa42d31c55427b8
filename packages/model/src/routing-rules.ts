import {
  type HttpMatch,
  type HttpRoute,
  labelsMatch,
  type ObjectRef,
  resolveHost,
  type StringMap,
  type TcpRoute,
  type TlsRoute,
  type VirtualService,
} from "@heddle/config";
import { byAge, isExported } from "./namespace-scope.ts";
import { profileRules } from "./profile-rules.ts";
import { createRuleMemo, type RuleMemo } from "./rule-memo.ts";
import type { MeshState } from "./state.ts";
import type { Located, WrittenAt } from "./written-at.ts";

/** Whether responses of these statuses count as failures. */
export interface StatusClass {
  readonly min: number;
  readonly max: number;
  readonly failure: boolean;
}

/** A route and its matches, each with its place. */
export type RoutedHttp = Located<
  Omit<HttpRoute, "match"> & {
    readonly match: readonly Located<HttpMatch>[];
    /** Of a ServiceProfile: what counts otherwise than usually. Ascending, without overlap. */
    readonly statusClasses?: readonly StatusClass[];
    /** Of a ServiceProfile: gRPC codes, with which a response is tried again; `retries` says how often. */
    readonly retriableGrpc?: readonly number[];
  }
>;

/** A VirtualService as one client sees it: full host names, delegates merged in, and only what applies to this client. */
export interface RoutingRule {
  readonly hosts: readonly string[];
  readonly http: readonly RoutedHttp[];
  readonly tls: readonly Located<TlsRoute>[];
  readonly tcp: readonly Located<TcpRoute>[];
  readonly sources: readonly ObjectRef[];
  /** Delegates that bring no rules: requests go on as if the rules that name them were not there. */
  readonly leftOut?: readonly LeftOut[];
}

/** A field that has no effect, and why. */
export interface LeftOut extends WrittenAt {
  readonly reason: string;
}

/** Who routes: a sidecar is the gateway `mesh`. */
export interface RoutingClient {
  readonly namespace: string;
  readonly labels: StringMap;
  /** `mesh`, or `namespace/name` of Gateways. */
  readonly gateways: readonly string[];
}

/** The routing rules of a client, oldest first: of two rules for one host the first counts. */
export function routingRules(
  state: MeshState,
  client: RoutingClient,
  memo: RuleMemo = createRuleMemo(),
): readonly RoutingRule[] {
  const { settings, objects } = state;
  const rules: RoutingRule[] = [];
  for (const service of [...objects.virtualServices.values()].sort(byAge)) {
    const exported =
      service.spec.exportTo.length > 0 ? service.spec.exportTo : settings.mesh.defaultVirtualServiceExportTo;
    // A VirtualService without hosts is a delegate: it has effect only where another one names it.
    if (service.spec.hosts.length === 0 || !isExported(exported, service.ref.namespace, client.namespace)) continue;
    if (!appliesTo(gatewaysOf(service), client)) continue;
    rules.push(memo.of(service, client, settings.domain, () => ruleFor(service, client, state)));
  }
  // Of two rules for one host the first counts: a VirtualService before a ServiceProfile.
  return client.gateways.includes("mesh") ? [...rules, ...profileRules(state, client, memo)] : rules;
}

function gatewaysOf(service: VirtualService): readonly string[] {
  if (service.spec.gateways.length === 0) return ["mesh"];
  return service.spec.gateways.map((name) =>
    name === "mesh" || name.includes("/") ? name : `${service.ref.namespace}/${name}`,
  );
}

function appliesTo(gateways: readonly string[], client: RoutingClient): boolean {
  return gateways.some((gateway) => client.gateways.includes(gateway));
}

function ruleFor(service: VirtualService, client: RoutingClient, state: MeshState): RoutingRule {
  const { namespace } = service.ref;
  const { domain } = state.settings;
  const sources: ObjectRef[] = [...new Set(service.writtenAt?.map(({ source }) => source) ?? [service.ref])];
  const leftOut: LeftOut[] = [];
  const http = service.spec.http.flatMap((written, index): readonly RoutedHttp[] => {
    const elsewhere = service.writtenAt?.[index];
    const route =
      elsewhere === undefined
        ? located(written, { source: service.ref, path: `spec.http[${index}]` })
        : located(written, elsewhere, () => elsewhere.path);
    if (route.delegate === undefined) return applicableHttp(route, namespace, client, domain);
    const leave = (reason: string): readonly RoutedHttp[] => {
      leftOut.push({ source: service.ref, path: `${route.at.path}.delegate`, reason });
      return [];
    };
    const found = delegateOf(service, route.delegate, state);
    if (typeof found === "string") return leave(found);
    sources.push(found.ref);
    const merged = found.spec.http
      .map((inner, at) => located(inner, { source: found.ref, path: `spec.http[${at}]` }))
      // A delegate of a delegate is not followed, as in Istio.
      .filter((inner) => inner.delegate === undefined)
      .flatMap((inner) => mergeDelegate(route, inner));
    if (merged.length === 0) return leave(emptyDelegate(found));
    return merged.flatMap((one) => applicableHttp(one, found.ref.namespace, client, domain));
  });
  const l4 = <R extends TlsRoute | TcpRoute>(kind: "tls" | "tcp", route: R, index: number): readonly Located<R>[] => {
    const match = (route.match as readonly L4[]).filter((candidate) => l4Applies(candidate, client, namespace));
    if (route.match.length > 0 && match.length === 0) return [];
    const resolved = route.route.map((entry) => ({
      ...entry,
      destination: { ...entry.destination, host: resolveHost(entry.destination.host, namespace, domain) },
    }));
    const at: WrittenAt = { source: service.ref, path: `spec.${kind}[${index}]` };
    return [Object.assign({ ...route, match, route: resolved }, { at })];
  };
  return {
    hosts: service.spec.hosts.map((host) => resolveHost(host, namespace, domain)),
    http,
    tls: service.spec.tls.flatMap((route, index) => l4("tls", route, index)),
    tcp: service.spec.tcp.flatMap((route, index) => l4("tcp", route, index)),
    sources,
    ...(leftOut.length === 0 ? {} : { leftOut }),
  };
}

/** The VirtualService that a rule leads to, or why it leads nowhere; its rule is then left out. Source: Istio. */
function delegateOf(
  root: VirtualService,
  wanted: NonNullable<HttpRoute["delegate"]>,
  { objects, settings }: MeshState,
): VirtualService | string {
  const { namespace } = root.ref;
  const name = `${wanted.namespace ?? namespace}/${wanted.name}`;
  const target = objects.virtualServices.get(name);
  if (target === undefined) return `there is no VirtualService ${name}`;
  const { hosts, exportTo } = target.spec;
  if (hosts.length > 0) return `VirtualService ${name} has hosts of its own, so that it is no delegate`;
  const exported = exportTo.length > 0 ? exportTo : settings.mesh.defaultVirtualServiceExportTo;
  return isExported(exported, target.ref.namespace, namespace)
    ? target
    : `VirtualService ${name} is not exported to namespace ${namespace} (spec.exportTo: ${exported.join(", ")})`;
}

function emptyDelegate({ ref, spec }: VirtualService): string {
  const name = `VirtualService ${ref.namespace}/${ref.name}`;
  if (spec.http.length === 0) return `${name} has no rules`;
  return spec.http.every(({ delegate }) => delegate !== undefined)
    ? `${name} only names further delegates, which are not followed`
    : `no match of ${name} can hold together with the match of this rule`;
}

function located(
  route: HttpRoute,
  at: WrittenAt,
  matchAt = (index: number) => `${at.path}.match[${index}]`,
): RoutedHttp {
  const match = route.match.map((one, index) => ({ ...one, at: { source: at.source, path: matchAt(index) } }));
  return { ...route, match, at };
}

type L4 = { readonly sourceLabels: StringMap; readonly gateways: readonly string[]; readonly sourceNamespace?: string };

function l4Applies(match: L4, client: RoutingClient, namespace: string): boolean {
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== client.namespace) return false;
  if (!labelsMatch(match.sourceLabels, client.labels)) return false;
  const gateways = match.gateways.map((name) =>
    name === "mesh" || name.includes("/") ? name : `${namespace}/${name}`,
  );
  return gateways.length === 0 || appliesTo(gateways, client);
}

/** Keeps the matches that concern this client; a route whose matches all concern others is gone. */
function applicableHttp(
  route: RoutedHttp,
  namespace: string,
  client: RoutingClient,
  domain: string,
): readonly RoutedHttp[] {
  const match = route.match.filter((candidate) => l4Applies(candidate, client, namespace));
  if (route.match.length > 0 && match.length === 0) return [];
  const resolve = <D extends { readonly host: string }>(destination: D): D => ({
    ...destination,
    host: resolveHost(destination.host, namespace, domain),
  });
  return [
    {
      ...route,
      match,
      route: route.route.map((entry) => ({ ...entry, destination: resolve(entry.destination) })),
      mirrors: route.mirrors.map((entry) => ({ ...entry, destination: resolve(entry.destination) })),
      ...(route.mirror === undefined ? {} : { mirror: resolve(route.mirror) }),
    },
  ];
}

/**
 * The root's conditions and the delegate's have to hold together; what the delegate sets wins over the root.
 * Two conditions on the same field can't be joined into one; the pair then matches nothing and is left out.
 */
function mergeDelegate(root: RoutedHttp, inner: RoutedHttp): readonly RoutedHttp[] {
  const { delegate: _delegate, route: _route, match: _match, ...defaults } = root;
  const merged = { ...defaults, ...withoutEmpty(inner), route: inner.route };
  if (root.match.length === 0) return [{ ...merged, match: inner.match }];
  // The delegate's rule decides, wherever the root lets requests through to it.
  if (inner.match.length === 0) return [{ ...merged, match: root.match.map((outer) => ({ ...outer, at: inner.at })) }];
  const match = root.match.flatMap((outer) => inner.match.flatMap((own) => joinMatches(outer, own)));
  return match.length === 0 ? [] : [{ ...merged, match }];
}

function withoutEmpty(route: RoutedHttp): RoutedHttp {
  return Object.fromEntries(
    Object.entries(route).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  ) as RoutedHttp;
}

function joinMatches(outer: Located<HttpMatch>, own: Located<HttpMatch>): readonly Located<HttpMatch>[] {
  for (const key of ["uri", "scheme", "method", "authority", "port", "sourceNamespace"] as const) {
    if (outer[key] === undefined || own[key] === undefined) continue;
    // A prefix around a narrower prefix or value is the one overlap that is common and exact.
    const contained = key === "uri" && containsUri(outer, own);
    if (!contained && JSON.stringify(outer[key]) !== JSON.stringify(own[key])) return [];
  }
  return [
    {
      ...outer,
      ...own,
      headers: { ...outer.headers, ...own.headers },
      withoutHeaders: { ...outer.withoutHeaders, ...own.withoutHeaders },
      queryParams: { ...outer.queryParams, ...own.queryParams },
      sourceLabels: { ...outer.sourceLabels, ...own.sourceLabels },
      gateways: own.gateways.length > 0 ? own.gateways : outer.gateways,
      ignoreUriCase: outer.ignoreUriCase || own.ignoreUriCase,
    },
  ];
}

function containsUri(outer: HttpMatch, own: HttpMatch): boolean {
  const prefix = outer.uri?.prefix;
  const narrower = own.uri?.exact ?? own.uri?.prefix;
  return prefix !== undefined && narrower?.startsWith(prefix) === true;
}
