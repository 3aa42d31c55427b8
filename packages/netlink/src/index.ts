export { formatIp, type IpAddress, type IpPrefix, maskedPrefix, parseIp, parsePrefix } from "./address.ts";
export { EEXIST, ENODEV, ENOENT, EOPNOTSUPP, EPERM, systemErrorText } from "./errno.ts";
export { KernelError } from "./kernel-error.ts";
export { createLibc, type Libc, openCLibrary } from "./libc.ts";
export { inNetworkNamespace } from "./namespace.ts";
export { applyRuleset } from "./nft/apply.ts";
export { type ListedRule, listRuleset } from "./nft/list.ts";
export { missingNfTables } from "./nft/missing.ts";
export { printRule, printRuleset } from "./nft/print.ts";
export * from "./nft/ruleset.ts";
export { encodeTransaction, type Transaction, type TransactionOptions } from "./nft/transaction.ts";
export {
  addAddress,
  addNeighbour,
  addRoute,
  addVeth,
  deleteLink,
  type Route,
  setLinkUp,
  type VethPair,
} from "./route/commands.ts";
export { type InterfaceAddress, type Link, linkIndex, listAddresses, listLinks } from "./route/queries.ts";
export { type RouteCommand, runCommands } from "./route/request.ts";
export { NETLINK_NETFILTER, NETLINK_ROUTE, type NetlinkSocket, openNetlinkSocket } from "./socket.ts";
