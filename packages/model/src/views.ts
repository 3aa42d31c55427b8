import { labelsMatch } from "@heddle/config";
import { isVisible } from "./build-service.ts";
import { parseClusterName } from "./cluster-name.ts";
import { contentHash } from "./hash.ts";
import { effectiveMtls } from "./peer-authentication.ts";
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
import type { MeshService } from "./service.ts";
import type { MeshState } from "./state.ts";

/** Builds what proxies may see. Keeps the outbound views of the latest state, because proxies of one scope share theirs. */
export interface Views {
  viewFor(state: MeshState, proxy: ProxyNode): ProxyView;
}

class CachingViews implements Views {
  /** Invariant: every entry was built from `#state`. */
  readonly #outbound = new Map<string, OutboundView>();
  #state: MeshState | undefined;

  viewFor(state: MeshState, proxy: ProxyNode): ProxyView {
    if (this.#state !== state) {
      this.#outbound.clear();
      this.#state = state;
    }
    const scope = `${proxy.namespace}|${proxy.domain}|${proxy.dataPlane}`;
    let outbound = this.#outbound.get(scope);
    if (outbound === undefined) {
      outbound = buildOutboundView(state, proxy);
      this.#outbound.set(scope, outbound);
    }
    const inbound = buildInboundView(state, proxy);
    return { hash: contentHash([outbound.hash, inbound.hash]), outbound, inbound };
  }
}

export function createViews(): Views {
  return new CachingViews();
}

export function buildOutboundView(state: MeshState, proxy: ProxyNode): OutboundView {
  const services = [...state.services.values()]
    .filter((service) => isVisible(service, proxy.namespace))
    .sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  const headless: Record<string, readonly HeadlessEndpoint[]> = {};
  for (const service of services) {
    if (service.headless) headless[service.hostname] = headlessEndpoints(state, service);
  }
  const content = {
    namespace: proxy.namespace,
    domain: proxy.domain,
    dataPlane: proxy.dataPlane,
    settings: state.settings,
    services,
    headless,
  };
  return { hash: contentHash(content), ...content };
}

function headlessEndpoints(state: MeshState, service: MeshService): readonly HeadlessEndpoint[] {
  const found = state.endpoints.get(service.hostname);
  return service.ports.flatMap((port) =>
    (found?.ports.get(port.number) ?? []).map((endpoint) => ({
      address: endpoint.address,
      port: endpoint.port,
      portName: port.name,
      hostname: endpoint.hostname,
      meshed: endpoint.meshed,
    })),
  );
}

/** Inbound configuration needs only the services that select the workload and the policies that match it. */
export function buildInboundView(state: MeshState, node: ProxyNode): InboundView {
  const workload = state.workloads.get(node.ip);
  // The workload as the cluster knows it wins over what the proxy says about itself.
  const labels = workload?.namespace === node.namespace ? workload.labels : node.labels;
  const { kind, namespace, serviceAccount, dataPlane, domain, interception } = node;
  const proxy: InboundProxy = { kind, namespace, serviceAccount, labels, dataPlane, domain, interception };
  const ports: InboundPort[] = [];
  const services = [...state.services.values()].sort((a, b) =>
    a.creationTimestamp !== b.creationTimestamp
      ? a.creationTimestamp < b.creationTimestamp
        ? -1
        : 1
      : a.hostname < b.hostname
        ? -1
        : 1,
  );
  for (const service of services) {
    if (service.namespace !== proxy.namespace || Object.keys(service.selector).length === 0) continue;
    if (!labelsMatch(service.selector, labels)) continue;
    for (const port of service.ports) {
      const number = typeof port.target === "number" ? port.target : workload?.namedPorts[port.target];
      if (number === undefined || port.protocol === "udp" || ports.some((taken) => taken.number === number)) continue;
      ports.push({ number, servicePort: port, service });
    }
  }
  const mtls = effectiveMtls(
    state.objects.peerAuthentications.values(),
    proxy.namespace,
    labels,
    state.settings.rootNamespace,
  );
  const content = { proxy, settings: state.settings, ports: ports.sort((a, b) => a.number - b.number), mtls };
  return { hash: contentHash(content), ...content };
}

/** The endpoints of an EDS cluster, or undefined when the name is not that of a known service port. */
export function endpointsFor(state: MeshState, cluster: string): EndpointsView | undefined {
  const name = parseClusterName(cluster);
  if (name === undefined || name.direction !== "outbound" || !state.services.has(name.hostname)) return undefined;
  const endpoints = state.endpoints.get(name.hostname)?.ports.get(name.port) ?? [];
  return { hash: contentHash(endpoints), cluster, endpoints };
}
