import { err, ok, type Result } from "@heddle/std";
import type { Machine } from "../machine.ts";

/** More than this is a slip of the pen. */
const MOST = 128;

/**
 * Number of workers. `asked` is the text of the flag or of ProxyConfig; 0 is all processors, as in Istio.
 * Default: 1, because a worker is a process and costs memory (docs/decisions/0007-workers.md).
 */
export function chooseConcurrency(asked: string | undefined, machine: Pick<Machine, "cpus">): Result<number> {
  if (asked === undefined || asked === "") return ok(1);
  const count = Number(asked);
  if (!Number.isInteger(count) || count < 0 || count > MOST)
    return err(`concurrency is ${JSON.stringify(asked)}; use a whole number up to ${MOST}, or 0 for all processors`);
  return ok(count === 0 ? machine.cpus : count);
}
