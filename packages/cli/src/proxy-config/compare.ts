import { type JsonRecord, textOf } from "@heddle/std";
import type { ConfigDump } from "./dump.ts";

/** What the agent puts into the bootstrap of a real Envoy; the control plane knows nothing of it. */
const OWN = new Set(["metrics", "prometheus_stats", "sds-grpc", "xds-grpc", "backend", ""]);

const names = (all: readonly JsonRecord[]) => new Set(all.map((r) => textOf(r["name"])).filter((n) => !OWN.has(n)));

/**
 * Compares by name what the control plane sent with what a proxy has: `Clusters Match`, or the names that only one side has. Routes that
 * stand inside a listener are the listener's.
 */
export function compareDumps(sent: ConfigDump, held: ConfigDump): string {
  const lines: string[] = [];
  for (const [title, key] of [
    ["Clusters", "clusters"],
    ["Listeners", "listeners"],
    ["Routes", "routes"],
  ] as const) {
    const [wanted, found] = [names(sent[key]), names(held[key])];
    const missing = [...wanted].filter((n) => !found.has(n));
    const more = key === "routes" ? [] : [...found].filter((n) => !wanted.has(n));
    lines.push(missing.length + more.length === 0 ? `${title} Match` : `${title} Don't Match`);
    for (const name of missing) lines.push(`  - ${name}: sent, but the proxy does not have it`);
    for (const name of more) lines.push(`  + ${name}: the proxy has it, but it was not sent`);
  }
  return `${lines.join("\n")}\n`;
}
