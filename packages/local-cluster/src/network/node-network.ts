import {
  addAddress,
  addRoute,
  type Libc,
  linkIndex,
  NETLINK_ROUTE,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { setSysctls, trySysctls } from "./sysctl.ts";

/**
 * Prepares the node's network namespace: loopback up, node and DNS addresses on it, forwarding on, a route of last resort.
 * Errors: throws naming the step.
 */
export function setUpNodeNetwork(libc: Libc, plan: ClusterNetworkPlan): void {
  const socket = openNetlinkSocket(libc, NETLINK_ROUTE);
  try {
    const loopback = linkIndex(socket, "lo");
    runCommands(socket, [
      setLinkUp("lo"),
      addAddress(loopback, `${plan.nodeIp}/32`),
      addAddress(loopback, `${plan.externalIp}/32`),
      addAddress(loopback, `${plan.dnsServiceIp}/32`),
      // Packets to service addresses need some route before translation can turn them; what is no service is refused by the packet rules.
      // Packets with no way out arrive there too.
      addRoute({ to: "0.0.0.0/0", device: loopback, source: plan.nodeIp }),
    ]);
  } finally {
    socket.close();
  }
  setSysctls({
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
  });
  trySysctls({ "net.ipv6.conf.default.disable_ipv6": "1", "net.ipv4.ip_unprivileged_port_start": "0" });
}
