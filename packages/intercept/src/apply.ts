import {
  addAddress,
  applyRuleset,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  KernelError,
  type Libc,
  linkIndex,
  listAddresses,
  missingNfTables,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  openNetlinkSocket,
  type Ruleset,
  runCommands,
} from "@heddle/netlink";

const MISSING_CAPABILITY =
  "cannot write packet rules: this container lacks the capability NET_ADMIN in the pod's network namespace. " +
  "Give the init container `securityContext: {runAsUser: 0, capabilities: {add: [NET_ADMIN, NET_RAW]}}` (the injector does), " +
  "or, where pod security forbids that, let a CNI plugin on the node write the rules";

/** `xtables` says whether `iptables -L` can show the rules; if not, `nft list ruleset` can. */
export interface Applied {
  readonly xtables: boolean;
}

/** Whether this network namespace has an IPv6 address that other hosts can reach. */
export function hasIpv6(libc: Libc): boolean {
  const socket = openNetlinkSocket(libc, NETLINK_ROUTE);
  try {
    return listAddresses(socket).some(
      ({ family, ip }) => family === 6 && ip !== "::1" && ip !== "::6" && !ip.startsWith("fe80:"),
    );
  } finally {
    socket.close();
  }
}

/**
 * Writes the rules in this network namespace, replacing those of an earlier run.
 * Errors: throws with one sentence that says what is missing and how to mend it.
 */
export function applyIntercept(libc: Libc, ruleset: Ruleset): Applied {
  try {
    if (ruleset.tables.some(({ family }) => family === "ip6")) addPassthroughAddress(libc);
    return writeRules(libc, ruleset);
  } catch (error) {
    if (error instanceof KernelError && error.errno === EPERM) throw new Error(MISSING_CAPABILITY, { cause: error });
    const missing = missingNfTables(error);
    throw missing === undefined ? error : new Error(missing, { cause: error });
  }
}

/** `::6` is where the proxy's calls to the application come from; unlike 127.0.0.6 it must be added. */
function addPassthroughAddress(libc: Libc): void {
  const socket = openNetlinkSocket(libc, NETLINK_ROUTE);
  try {
    runCommands(socket, [addAddress(linkIndex(socket, "lo"), "::6/128")]);
  } finally {
    socket.close();
  }
}

function writeRules(libc: Libc, ruleset: Ruleset): Applied {
  const socket = openNetlinkSocket(libc, NETLINK_NETFILTER);
  try {
    applyRuleset(socket, ruleset, { xtables: true });
    return { xtables: true };
  } catch (error) {
    // A kernel without iptables' extensions: the native form of the same rules does.
    if (!(error instanceof KernelError) || (error.errno !== ENOENT && error.errno !== EOPNOTSUPP)) throw error;
    applyRuleset(socket, ruleset);
    return { xtables: false };
  } finally {
    socket.close();
  }
}
