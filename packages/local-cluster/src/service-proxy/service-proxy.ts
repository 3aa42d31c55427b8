import { applyRuleset, type Libc, missingNfTables, NETLINK_NETFILTER, openNetlinkSocket } from "@heddle/netlink";
import type { Logger } from "@heddle/std";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import type { Service } from "./service.ts";
import type { ServiceCatalogue } from "./service-catalogue.ts";
import { serviceRuleset } from "./service-ruleset.ts";

export interface NodePortUse {
  readonly port: number;
  /** `namespace/name`. */
  readonly service: string;
  /** Set for a port of a LoadBalancer. */
  readonly balancer?: { readonly nodePort: number };
}

/** Keeps the node's packet rules equal to the Services and their endpoints. */
export interface ServiceProxy {
  /** Writes the first rules; later changes are written by themselves. Errors: throws when the kernel refuses the first. */
  start(): void;
  close(): void;
}

export interface ServiceProxyDeps {
  readonly libc: Libc;
  readonly plan: ClusterNetworkPlan;
  readonly catalogue: ServiceCatalogue;
  readonly log: Logger;
  /** The NodePorts and LoadBalancer ports (TCP) in use, whenever they changed. */
  readonly onNodePorts: (ports: readonly NodePortUse[]) => void;
}

/** A burst of changes becomes one transaction; one change waits at most this long. */
const SETTLE_MS = 10;

/** Opens its kernel socket at `start`, in the calling thread's network namespace. */
export function createServiceProxy({ libc, plan, catalogue, log, onNodePorts }: ServiceProxyDeps): ServiceProxy {
  let socket: ReturnType<typeof openNetlinkSocket> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let announced = "";

  const write = () => {
    timer = undefined;
    if (socket === undefined) return;
    const services = [...catalogue.services()];
    const withEndpoints = services.map((service) => ({
      service,
      slices: catalogue.slices(service.namespace, service.name),
    }));
    applyRuleset(socket, serviceRuleset(plan, withEndpoints));
    const ports = services.flatMap((service) => hostPortsOf(service, plan));
    const text = JSON.stringify(ports);
    if (text === announced) return;
    announced = text;
    onNodePorts(ports);
  };
  const writeLater = () => {
    timer ??= setTimeout(() => {
      try {
        write();
      } catch (error) {
        log.error("service rules not written; the previous ones stay in force", { error: String(error) });
      }
    }, SETTLE_MS);
  };
  return {
    start: () => {
      try {
        socket = openNetlinkSocket(libc, NETLINK_NETFILTER);
        write();
      } catch (error) {
        const missing = missingNfTables(error);
        throw missing === undefined ? error : new Error(missing, { cause: error });
      }
      catalogue.onChange(writeLater);
    },
    close: () => {
      clearTimeout(timer);
      socket?.close();
      socket = undefined;
    },
  };
}

/** The ports of a Service that programs of the host may call. */
function hostPortsOf(service: Service, plan: ClusterNetworkPlan): readonly NodePortUse[] {
  const name = `${service.namespace}/${service.name}`;
  const ports = service.ports.filter(({ protocol }) => protocol === "tcp");
  const nodePorts = ports.flatMap(({ nodePort }) => (nodePort === undefined ? [] : { port: nodePort, service: name }));
  if (!service.balancerIps.includes(plan.externalIp)) return nodePorts;
  const balanced = ports
    .filter(({ port }) => port !== plan.apiPort)
    .map(({ port, nodePort = 0 }) => ({ port, service: name, balancer: { nodePort } }));
  return [...nodePorts, ...balanced];
}
