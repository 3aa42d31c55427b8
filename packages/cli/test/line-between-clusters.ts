import { closeSync, openSync } from "node:fs";

/** Why embedded clusters can't reach each other on this machine; undefined when they can. */
export function lineProblem(): string | undefined {
  try {
    closeSync(openSync("/dev/net/tun", "r+"));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
