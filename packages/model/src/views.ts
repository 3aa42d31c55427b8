import { canonicalJson, labelsMatch, type ServiceProfile, type StringMap, type TrafficPolicy } from "@heddle/config";
import { meshWithAccessLog } from "./access-logging.ts";
import { authorizationOf } from "./authorization.ts";
import { isVisible, parsePortList } from "./build-service.ts";
import { clusterLocalTest } from "./cluster-local.ts";
import { parseClusterName } from "./cluster-name.ts";
import {
  createDestinationIndex,
  type DestinationPolicy,
  destinationPolicy,
  subsetLabels,
} from "./destination-policy.ts";
import { discoveredNamespaces } from "./discovery-selectors.ts";
import { decodeEndpointRequest } from "./endpoint-request.ts";
import { gatewayServers } from "./gateway-servers.ts";
import { contentHash, createHashMemo, type HashMemo } from "./hash.ts";
import {
  byLocality,
  type EndpointGroup,
  labelsWithTopology,
  orderByLocality,
  topologyLabel,
} from "./locality-order.ts";
import { type ClientPlace, closeLabels, localitySetting } from "./locality-request.ts";
import { effectiveMetrics } from "./metrics.ts";
import { type ClientOrigin, isDirect, throughGateways, weightScale, whereIs } from "./networks.ts";
import { effectiveMtls } from "./peer-authentication.ts";
import { profileBudget, profilesFor } from "./profile-rules.ts";
import type {
  EndpointsView,
  HeadlessEndpoint,
  InboundPort,
  InboundProxy,
  InboundView,
  OutboundView,
  ProxyNode,
  ProxyView,
} from "./proxy-view.ts";
import { patchedVersions, resourcePatches } from "./resource-patches.ts";
import { routingRules } from "./routing-rules.ts";
import { createRuleMemo, type RuleMemo } from "./rule-memo.ts";
import type { MeshService } from "./service.ts";
import type { MeshSettings } from "./settings.ts";
import { ingressPorts } from "./sidecar-ingress.ts";
import { sidecarScope, unlimitedScope } from "./sidecar-scope.ts";
import type { MeshState } from "./state.ts";
import { isForSome } from "./telemetry-levels.ts";
import { effectiveTracing, mayTrace, providerHosts } from "./tracing.ts";
import type { Endpoint, Workload } from "./workload.ts";

/** Builds what proxies may see. Keeps the outbound views of the latest state, because proxies of one scope share theirs. */
export interface Views {
  viewFor(state: MeshState, proxy: ProxyNode): ProxyView;
}

/** What views of one state share, so that the hundredth proxy does not sort the mesh again. */
interface SharedWork {
  readonly hashes: HashMemo;
  readonly rules: RuleMemo;
  /** All services, by hostname. */
  readonly byHostname: readonly MeshService[];
  /** Services with a selector by namespace, oldest first. */
  readonly selecting: ReadonlyMap<string, readonly MeshService[]>;
}

class CachingViews implements Views {
  readonly #hashes: HashMemo;
  readonly #rules = createRuleMemo();
  /** Invariant: every entry was built from `#state`. */
  readonly #outbound = new Map<string, OutboundView>();
  #state: MeshState | undefined;
  #shared: SharedWork | undefined;

  constructor(hashes: HashMemo) {
    this.#hashes = hashes;
  }

  viewFor(state: MeshState, proxy: ProxyNode): ProxyView {
    if (this.#state !== state) {
      this.#outbound.clear();
      // Endpoints come and go much more often than services.
      if (this.#state?.services !== state.services) this.#shared = undefined;
      this.#state = state;
    }
    this.#shared ??= sharedWork(state, this.#hashes, this.#rules);
    const own = proxy.kind === "router" || mayTrace(state) || dependsOnLabels(state, proxy.namespace);
    const labels = own ? canonicalJson(labelsOf(state, proxy)) : "";
    const version = patchedVersions(state) ? `${proxy.version}${canonicalJson(proxy.metadata)}` : "";
    const { region, zone, subzone } = placeOf(state, proxy).locality;
    const origin = originOf(state, proxy);
    const scope = `${origin?.cluster}/${origin?.network}|${version}|${region}/${zone}/${subzone}|${proxy.kind}|${proxy.dnsCapture}${proxy.ipv6}|${proxy.namespace}|${proxy.domain}|${proxy.dataPlane}${proxy.proxyless}|${labels}`;
    let outbound = this.#outbound.get(scope);
    if (outbound === undefined) {
      outbound = buildOutboundView(state, proxy, this.#shared);
      this.#outbound.set(scope, outbound);
    }
    const inbound = buildInboundView(state, proxy, this.#shared);
    return { hash: contentHash([outbound.hash, inbound.hash]), outbound, inbound };
  }
}

/** @param hashes May be shared with caches that are keyed by the content of views. */
export function createViews(hashes = createHashMemo()): Views {
  return new CachingViews(hashes);
}

function sharedWork(state: MeshState, hashes: HashMemo, rules: RuleMemo): SharedWork {
  const byHostname = [...state.services.values()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  const selecting = new Map<string, MeshService[]>();
  for (const service of byHostname) {
    if (Object.keys(service.selector).length === 0) continue;
    const found = selecting.get(service.namespace);
    if (found === undefined) selecting.set(service.namespace, [service]);
    else found.push(service);
  }
  // Stable: of the same age the first by hostname.
  const age = (service: MeshService): string => service.creationTimestamp;
  for (const found of selecting.values()) found.sort((a, b) => (age(a) === age(b) ? 0 : age(a) < age(b) ? -1 : 1));
  return { hashes, rules, byHostname, selecting };
}

/** The registry of the proxy's own cluster: addresses mean something there only. */
function homeOf(state: MeshState, { clusterId }: Pick<ProxyNode, "clusterId">): MeshState {
  return clusterId === state.settings.clusterId ? state : (state.remotes.get(clusterId) ?? state);
}

/** Where the proxy is among several clusters. */
function originOf(state: MeshState, proxy: ProxyNode): ClientOrigin | undefined {
  if (!state.multicluster) return undefined;
  const { network } = placeOf(state, proxy);
  return { cluster: homeOf(state, proxy).settings.clusterId, network: network || proxy.network };
}

/** The workload as the cluster knows it wins over what the proxy says about itself. */
function labelsOf(state: MeshState, node: ProxyNode): StringMap {
  const workload = homeOf(state, node).workloads.get(node.ip);
  return workload?.namespace === node.namespace ? workload.labels : node.labels;
}

/** Only these resources can treat two workloads of one namespace differently as clients. */
function dependsOnLabels(state: MeshState, namespace: string): boolean {
  const { virtualServices, destinationRules, sidecars, envoyFilters, telemetries } = state.objects;
  const some = <T>(items: ReadonlyMap<string, T>, test: (item: T) => boolean): boolean =>
    [...items.values()].some(test);
  const bySource = (routes: readonly { readonly match: readonly { readonly sourceLabels: StringMap }[] }[]): boolean =>
    routes.some((route) => route.match.some((match) => Object.keys(match.sourceLabels).length > 0));
  return (
    some(sidecars, (sidecar) => sidecar.ref.namespace === namespace && sidecar.spec.workloadSelector !== undefined) ||
    some(destinationRules, (rule) => rule.ref.namespace === namespace && rule.spec.workloadSelector !== undefined) ||
    some(telemetries, isForSome) ||
    some(envoyFilters, ({ spec }) => spec.workloadSelector !== undefined || spec.targetRefs.length > 0) ||
    some(
      destinationRules,
      ({ spec }) => asksForLabels(spec.trafficPolicy) || spec.subsets.some((s) => asksForLabels(s.trafficPolicy)),
    ) ||
    some(virtualServices, ({ spec }) => bySource(spec.http) || bySource(spec.tls) || bySource(spec.tcp))
  );
}

function asksForLabels(policy: TrafficPolicy | undefined): boolean {
  return [policy, ...(policy?.portLevelSettings ?? [])].some(
    (level) => (level?.loadBalancer?.localityLbSetting?.failoverPriority.length ?? 0) > 0,
  );
}

function buildOutboundView(state: MeshState, proxy: ProxyNode, shared: SharedWork): OutboundView {
  const client = { namespace: proxy.namespace, labels: labelsOf(state, proxy) };
  // Sidecar resources are for sidecars.
  const scope = proxy.kind === "router" ? unlimitedScope(state) : sidecarScope(state, client);
  const discovered = discoveredNamespaces(state);
  const rules = createDestinationIndex(state);
  const origin = originOf(state, proxy);
  const isLocal = clusterLocalTest(state.settings);
  const collectors = providerHosts(state);
  const services = shared.byHostname.flatMap((service) => {
    const port =
      discovered(service.namespace) &&
      isVisible(service, proxy.namespace) &&
      scope.sees(service.hostname, service.namespace);
    // Collectors are seen by all: the proxy itself calls them.
    if (port === false) return collectors.has(service.hostname) ? [service] : [];
    if (origin !== undefined && isLocal(service.hostname) && !isIn(service, origin.cluster, state)) return [];
    const ports = service.ports.filter(({ number }) => port(number));
    if (ports.length === 0 && service.ports.length > 0) return [];
    const here = ports.length === service.ports.length ? service : { ...service, ports };
    const seen = origin === undefined ? here : withAddressesIn(here, origin.cluster, state);
    return [seen.autoAddresses.length === 0 ? seen : withGivenAddresses(seen, proxy)];
  });
  const headless: Record<string, readonly HeadlessEndpoint[]> = {};
  const profiles = profilesFor(state, proxy.namespace);
  const policies: Record<string, DestinationPolicy> = {};
  for (const service of services) {
    if (service.headless) headless[service.hostname] = headlessEndpoints(state, service, origin);
    const policy = withRetryBudget(destinationPolicy(state, rules, service, client), profiles.get(service.hostname));
    if (policy !== undefined) policies[service.hostname] = policy;
  }
  const content = {
    namespace: proxy.namespace,
    domain: proxy.domain,
    dataPlane: proxy.dataPlane,
    proxyless: proxy.proxyless,
    settings: { ...state.settings, mesh: meshWithAccessLog(state, proxy.namespace, client.labels, "CLIENT") },
    tracing: effectiveTracing(state, proxy.namespace, client.labels, "CLIENT"),
    metrics: effectiveMetrics(state, proxy.namespace, client.labels, "CLIENT"),
    outboundMode: scope.outboundMode,
    outboundModeAt: scope.outboundModeAt,
    egressProxy: scope.egressProxy,
    egress: scope.egress,
    services,
    dnsCapture: proxy.dnsCapture,
    rules: proxy.kind === "router" ? [] : routingRules(state, { ...client, gateways: ["mesh"] }, shared.rules),
    policies,
    headless,
    patches: resourcePatches(state, { ...proxy, labels: client.labels }, (context) => context !== "SIDECAR_INBOUND"),
    place: clientPlace(state, proxy, policies, services),
    ...(origin === undefined ? {} : { origin }),
    authorization: proxy.kind === "router" ? authorizationOf(state, proxy.namespace, client.labels) : [],
    gateway: proxy.kind === "router" ? gatewayServers(state, { ...client, ip: proxy.ip }) : undefined,
  };
  const { hashes } = shared;
  const hash = contentHash({
    ...content,
    settings: settingsHash(content.settings, hashes),
    services: services.map((service) => hashes.of(service)).join(" "),
    rules: content.rules.map((rule) => hashes.of(rule)).join(" "),
  });
  return { hash, ...content };
}

/** What a ServiceProfile grants of retries, where no DestinationRule says so itself. */
function withRetryBudget(
  policy: DestinationPolicy | undefined,
  profile: ServiceProfile | undefined,
): DestinationPolicy | undefined {
  const retryBudget = profileBudget(profile);
  if (profile === undefined || retryBudget === undefined || policy?.trafficPolicy?.retryBudget !== undefined)
    return policy;
  return {
    trafficPolicy: { ...(policy?.trafficPolicy ?? { portLevelSettings: [] }), retryBudget },
    trafficPolicyAt: policy?.trafficPolicyAt ?? { source: profile.ref, path: "spec.retryBudget" },
    subsets: policy?.subsets ?? [],
    sources: [...(policy?.sources ?? []), profile.ref],
    namesWorkloads: policy?.namesWorkloads ?? false,
  };
}

/** The MeshConfig is the largest part, and nearly always the state's own. */
function settingsHash(settings: MeshSettings, hashes: HashMemo): unknown {
  return { ...settings, mesh: hashes.of(settings.mesh) };
}

/** Whether the service has a Service object in the cluster. */
function isIn(service: MeshService, cluster: string, state: MeshState): boolean {
  const { objects } = cluster === state.settings.clusterId ? state : (state.remotes.get(cluster) ?? state);
  return service.source.kind !== "Service" || objects.services.has(`${service.namespace}/${service.name}`);
}

/** The addresses that the client's cluster gave the service; those of others may be someone else's there. */
function withAddressesIn(service: MeshService, cluster: string, state: MeshState): MeshService {
  const { addressesOf, ...rest } = service;
  if (addressesOf === undefined || cluster === state.settings.clusterId) return rest;
  return { ...rest, addresses: addressesOf[cluster] ?? [] };
}

/** Clients that resolve by the mesh's DNS dial the given addresses; for others they are one more way, beside what they dialled before. */
function withGivenAddresses(service: MeshService, proxy: ProxyNode): MeshService {
  const given = service.autoAddresses.filter((address) => proxy.ipv6 || !address.includes(":"));
  return proxy.dnsCapture ? { ...service, addresses: given, autoAddresses: [] } : { ...service, autoAddresses: given };
}

function placeOf(state: MeshState, proxy: ProxyNode): Pick<Workload, "locality" | "network" | "clusterId"> {
  const workload = homeOf(state, proxy).workloads.get(proxy.ip);
  return workload?.namespace === proxy.namespace ? workload : proxy;
}

/** Only what the policies ask for, so that clients in different places share their view where it makes no difference. */
function clientPlace(
  state: MeshState,
  proxy: ProxyNode,
  policies: Readonly<Record<string, DestinationPolicy>>,
  services: readonly MeshService[],
): ClientPlace | undefined {
  const { mesh } = state.settings;
  const levels = Object.values(policies).flatMap(({ trafficPolicy, subsets }) =>
    [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)].flatMap((policy) =>
      policy === undefined ? [] : [policy, ...policy.portLevelSettings],
    ),
  );
  const settings = levels
    .filter((policy) => policy.outlierDetection !== undefined || policy.loadBalancer?.localityLbSetting !== undefined)
    .map((policy) => localitySetting(policy, mesh));
  const wide = (mesh.localityLbSetting?.distribute.length ?? 0) > 0;
  const close = services.some((service) => service.preferClose);
  if (settings.length === 0 && !wide && !close) return undefined;
  const keys = new Set(settings.flatMap((setting) => setting?.failoverPriority ?? []));
  if (close) for (const key of closeLabels) keys.add(key);
  const own = labelsOf(state, proxy);
  const place = placeOf(state, proxy);
  const labels = [...keys].sort().map((key) => [key, topologyLabel(key, place) ?? own[key] ?? ""] as const);
  return { locality: place.locality, labels: Object.fromEntries(labels) };
}

/** Callers of headless services dial the pods, which has to be possible without a gateway. */
function headlessEndpoints(
  state: MeshState,
  service: MeshService,
  origin: ClientOrigin | undefined,
): readonly HeadlessEndpoint[] {
  const found = state.endpoints.get(service.hostname);
  const reaches = (endpoint: Endpoint) => origin === undefined || isDirect(endpoint, origin, state.gateways);
  return service.ports.flatMap((port) =>
    (found?.ports.get(port.number) ?? [])
      .filter((one) => reaches(one))
      .map((endpoint) => ({
        address: endpoint.address,
        port: endpoint.port,
        portName: port.name,
        hostname: endpoint.hostname,
        meshed: endpoint.meshed,
      })),
  );
}

/** Inbound configuration needs only the services that select the workload and the policies that match it. */
function buildInboundView(state: MeshState, node: ProxyNode, shared: SharedWork): InboundView {
  const home = homeOf(state, node);
  const workload = home.workloads.get(node.ip);
  const labels = labelsOf(state, node);
  const { kind, namespace, serviceAccount, dataPlane, proxyless, domain, interception } = node;
  const proxy: InboundProxy = { kind, namespace, serviceAccount, labels, dataPlane, proxyless, domain, interception };
  const pod = workload === undefined ? undefined : home.objects.pods.get(`${workload.namespace}/${workload.name}`);
  const isOpaque = parsePortList(pod?.meta.annotations["config.linkerd.io/opaque-ports"]);
  const ports: InboundPort[] = [];
  for (const service of shared.selecting.get(proxy.namespace) ?? []) {
    if (!labelsMatch(service.selector, labels)) continue;
    for (const port of service.ports) {
      const number = typeof port.target === "number" ? port.target : workload?.namedPorts[port.target];
      if (number === undefined || port.protocol === "udp" || ports.some((taken) => taken.number === number)) continue;
      // Opaque by annotation on the pod, too: then the bytes are passed on unread.
      const servicePort = isOpaque(number, port.name) ? { ...port, protocol: "tcp" as const } : port;
      ports.push({ number, servicePort, service });
    }
  }
  const mtls = effectiveMtls(
    state.objects.peerAuthentications.values(),
    proxy.namespace,
    labels,
    state.settings.rootNamespace,
  );
  const forInbound = (context: string): boolean => context === "SIDECAR_INBOUND" || context === "ANY";
  const content = {
    proxy,
    settings: { ...state.settings, mesh: meshWithAccessLog(state, namespace, labels, "SERVER") },
    tracing: effectiveTracing(state, namespace, labels, "SERVER"),
    metrics: effectiveMetrics(state, namespace, labels, "SERVER"),
    ports: ingressPorts(state, { namespace, labels }, ports).sort((a, b) => a.number - b.number),
    authorization: authorizationOf(state, namespace, labels),
    mtls,
    patches: resourcePatches(state, { ...node, labels }, forInbound),
  };
  return { hash: contentHash({ ...content, settings: settingsHash(content.settings, shared.hashes) }), ...content };
}

/** The endpoints of an EDS cluster, or undefined when the name is not that of a known service port and subset. */
export function endpointsFor(state: MeshState, cluster: string): EndpointsView | undefined {
  const name = parseClusterName(cluster);
  if (name === undefined || name.direction !== "outbound") return undefined;
  const service = state.services.get(name.hostname);
  if (service === undefined) return undefined;
  const all = state.endpoints.get(name.hostname)?.ports.get(name.port) ?? [];
  const labels = name.subset === "" ? {} : subsetLabels(state, service, name.subset);
  if (labels === undefined) return undefined;
  const endpoints =
    name.subset === "" ? all : all.filter((endpoint) => labelsMatch(labels, labelsWithTopology(endpoint, labels)));
  const request = name.place === undefined ? undefined : decodeEndpointRequest(name.place);
  if (name.place !== undefined && request === undefined) return undefined;
  const { order, from } = request ?? {};
  const seen = from === undefined ? endpoints : endpointsOfSameness(state, name.hostname, endpoints, from);
  const scale = from === undefined ? 1 : weightScale(seen, from, state.gateways);
  const reached = (list: readonly Endpoint[]) =>
    from === undefined ? list : throughGateways(list, from, state.gateways, scale);
  // Ranks come from the endpoints themselves, the gateways take their places.
  const ranked = order === undefined ? undefined : orderByLocality(seen, order);
  if (ranked !== undefined) {
    const groups = withoutGaps(ranked.map((group) => ({ ...group, endpoints: reached(group.endpoints) })));
    const all = groups.flatMap((group) => group.endpoints);
    return { hash: contentHash([all, name.place]), cluster, endpoints: all, groups };
  }
  const flat = byLocality(seen).flatMap(([, members]) => reached(members));
  const found = from === undefined ? endpoints : flat;
  return { hash: contentHash([found, name.place]), cluster, endpoints: found, groups: undefined };
}

/** Services that stay within a cluster have the endpoints of the caller's. */
function endpointsOfSameness(state: MeshState, hostname: string, endpoints: readonly Endpoint[], from: ClientOrigin) {
  if (!clusterLocalTest(state.settings)(hostname)) return endpoints;
  return endpoints.filter((endpoint) => [from.cluster, ""].includes(whereIs(endpoint).clusterId));
}

/** Envoy wants priorities without gaps. */
function withoutGaps(groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
  const filled = groups.filter((group) => group.endpoints.length > 0);
  const priorities = [...new Set(filled.map(({ priority }) => priority))].sort((a, b) => a - b);
  return filled.map((group) => ({ ...group, priority: priorities.indexOf(group.priority) }));
}
