import { KernelError } from "../kernel-error.ts";
import type { NetlinkSocket } from "../socket.ts";
import { listRuleset } from "./list.ts";
import type { Ruleset, Table } from "./ruleset.ts";
import { encodeTransaction, type TransactionOptions } from "./transaction.ts";

/**
 * Puts a ruleset in force in the socket's network namespace, replacing tables of the same name, all or nothing.
 * Errors: throws `KernelError` naming the rule the kernel refused.
 */
export function applyRuleset(
  socket: NetlinkSocket,
  ruleset: Ruleset,
  options: TransactionOptions = {},
  remove: readonly Pick<Table, "family" | "name">[] = [],
): void {
  const families = new Set(ruleset.tables.filter(({ shared }) => shared === true).map(({ family }) => family));
  const inForce = [...families].flatMap((family) => listRuleset(socket, family).map((rule) => ({ ...rule, family })));
  const transaction = encodeTransaction(ruleset, { ...options, inForce }, remove);
  for (const reply of socket.exchange(transaction.bytes)) {
    if (reply.kind !== "status" || reply.errno === 0) continue;
    const what = transaction.descriptions.get(reply.sequence) ?? "packet-filter transaction";
    throw new KernelError(what, reply.errno, reply.text);
  }
}
