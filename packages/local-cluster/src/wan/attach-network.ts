import {
  applyRuleset,
  inNetworkNamespace,
  NETLINK_NETFILTER,
  openNetlinkSocket,
  PRIORITY,
  type Ruleset,
} from "@heddle/netlink";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { startWan, type WanOptions } from "./start-wan.ts";
import { WAN_DEVICE } from "./wan-addresses.ts";

/** Somebody else's network on the line to the embedded clusters. */
export interface AttachedNetwork {
  /** Takes the packet rule away; the device goes with the process. */
  close(): void;
}

const TABLE = { family: "ip", name: "heddle-attached" } as const;

/**
 * Puts an end of the line into a network namespace that is not ours. What leaves there for the embedded clusters bears the address of the index, as
 * they know no other way back.
 * Errors: throws, with a sentence, where the namespace can't be entered, has an end already, or the kernel refuses device or rule.
 */
export function attachNetwork(namespace: string, wan: WanOptions): AttachedNetwork {
  const { libc, plan } = wan;
  const rules = (ruleset: Ruleset, remove: readonly (typeof TABLE)[] = []) => {
    const socket = openNetlinkSocket(libc, NETLINK_NETFILTER);
    try {
      applyRuleset(socket, ruleset, {}, remove);
    } finally {
      socket.close();
    }
  };
  inNetworkNamespace(libc, namespace, () => {
    const problem = startWan({ ...wan, attached: true });
    if (problem !== undefined) throw new Error(`no line into it: ${problem}`);
    rules({ tables: [{ ...TABLE, chains: [sourceChain(plan)] }] });
  });
  return { close: () => inNetworkNamespace(libc, namespace, () => rules({ tables: [] }, [TABLE])) };
}

function sourceChain(plan: ClusterNetworkPlan) {
  return {
    name: "postrouting",
    hook: { type: "nat", name: "postrouting", priority: PRIORITY.srcnat },
    rules: [
      {
        statements: [
          { kind: "interface", direction: "out", name: WAN_DEVICE },
          { kind: "address", side: "source", prefix: plan.externalIp, negate: true },
          { kind: "source-nat", address: plan.externalIp },
        ],
      },
    ],
  } as const;
}
