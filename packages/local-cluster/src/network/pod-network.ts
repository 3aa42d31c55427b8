import { createHash } from "node:crypto";
import {
  addAddress,
  addNeighbour,
  addRoute,
  addVeth,
  deleteLink,
  inNetworkNamespace,
  type Libc,
  linkIndex,
  NETLINK_ROUTE,
  type NetlinkSocket,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";
import type { ClusterNetworkPlan, PodAddress, PodNetwork } from "../contract/index.ts";
import { type AddressPool, createAddressPool } from "./address-pool.ts";
import { trySysctls } from "./sysctl.ts";

/** Every pod's gateway. No interface has it: a fixed neighbour entry leads to the node's end of the pair. */
const GATEWAY = "169.254.1.1";
const NODE_MAC = "ee:ee:ee:ee:ee:ee";
const MTU = 1500;

interface Attachment {
  readonly ip: string;
  readonly link: string;
  readonly sandboxPid: number;
}

/**
 * Point-to-point links: each pod has a veth pair and a /32 address, the node a route to it. No bridge, so everything between pods passes the
 * node's forwarding and service translation sees both directions.
 */
class PointToPointNetwork implements PodNetwork {
  readonly #libc: Libc;
  readonly #plan: ClusterNetworkPlan;
  readonly #node: NetlinkSocket;
  readonly #addresses: AddressPool;
  readonly #attached = new Map<string, Attachment>();

  constructor(libc: Libc, plan: ClusterNetworkPlan) {
    this.#libc = libc;
    this.#plan = plan;
    this.#node = openNetlinkSocket(libc, NETLINK_ROUTE);
    this.#addresses = createAddressPool(plan.podCidr);
  }

  async attach(podUid: string, sandboxPid: number): Promise<PodAddress> {
    const present = this.#attached.get(podUid);
    if (present?.sandboxPid === sandboxPid) return { ip: present.ip };
    const ip = present?.ip ?? this.#addresses.take();
    const link = linkName(podUid);
    try {
      runCommands(this.#node, [deleteLink(link)]);
      this.#connect(ip, link, sandboxPid);
    } catch (error) {
      this.#attached.delete(podUid);
      this.#addresses.free(ip);
      runCommands(this.#node, [deleteLink(link)]);
      throw error;
    }
    this.#attached.set(podUid, { ip, link, sandboxPid });
    return { ip };
  }

  async detach(podUid: string): Promise<void> {
    const present = this.#attached.get(podUid);
    if (present === undefined) return;
    this.#attached.delete(podUid);
    this.#addresses.free(present.ip);
    runCommands(this.#node, [deleteLink(present.link)]);
  }

  #connect(ip: string, link: string, sandboxPid: number): void {
    const podMac = macOf(ip);
    const pair = { name: link, mac: NODE_MAC, peer: { name: "eth0", mac: podMac, pid: sandboxPid }, mtu: MTU };
    runCommands(this.#node, [addVeth(pair), setLinkUp(link)]);
    inNetworkNamespace(this.#libc, `/proc/${sandboxPid}/ns/net`, () => setUpPod(this.#libc, ip));
    const device = linkIndex(this.#node, link);
    runCommands(this.#node, [
      addRoute({ to: `${ip}/32`, device, source: this.#plan.nodeIp }),
      addNeighbour(device, ip, podMac),
    ]);
  }
}

/** Runs inside the pod's network namespace. */
function setUpPod(libc: Libc, ip: string): void {
  trySysctls({
    // Ports below 1024 are open to every user, as container runtimes have it.
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv6.conf.eth0.disable_ipv6": "1",
  });
  const socket = openNetlinkSocket(libc, NETLINK_ROUTE);
  try {
    const device = linkIndex(socket, "eth0");
    runCommands(socket, [
      setLinkUp("lo"),
      addAddress(device, `${ip}/32`),
      setLinkUp("eth0"),
      addNeighbour(device, GATEWAY, NODE_MAC),
      addRoute({ to: `${GATEWAY}/32`, device, source: ip }),
      addRoute({ to: "0.0.0.0/0", device, via: GATEWAY, source: ip }),
    ]);
  } finally {
    socket.close();
  }
}

/** Interface names have at most 15 characters. */
function linkName(podUid: string): string {
  return `pod${createHash("sha256").update(podUid).digest("hex").slice(0, 12)}`;
}

function macOf(ip: string): string {
  return ["0a", "58", ...ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}

/** Opens the kernel socket at once: call it inside the node's network namespace, after `setUpNodeNetwork`. */
export function createPodNetwork(libc: Libc, plan: ClusterNetworkPlan): PodNetwork {
  return new PointToPointNetwork(libc, plan);
}
