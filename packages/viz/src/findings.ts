import { listOf, recordOf, textOf } from "@heddle/std";
import type { FindingRow } from "./config-contract.ts";
import { type ControlPlaneClient, kept } from "./control-plane-client.ts";

/** What `heddle analyze` finds in the cluster now. */
export interface Findings {
  readonly rows: readonly FindingRow[];
  readonly gaps: readonly string[];
}

/** The control plane reads all resources for an answer: one page that is open must not make it do so every second. Units: ms. */
const FRESH_MS = 15_000;
const TIMEOUT_MS = 8000;

/** Asks the first replica that answers; no replica and a replica that is too old for the question are no findings. */
export function createFindings(client: ControlPlaneClient, nowMs: () => number): () => Promise<Findings> {
  return kept(FRESH_MS, nowMs, async () => {
    let reason = "";
    for (const replica of client.replicas()) {
      try {
        return { rows: readFindings(await client.json(replica, "/debug/analyze", TIMEOUT_MS)), gaps: [] };
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        if (reason === "HTTP 404") return { rows: [], gaps: [] };
      }
    }
    return { rows: [], gaps: reason === "" ? [] : [`the resources could not be analysed: ${reason}`] };
  });
}

export function readFindings(value: unknown): readonly FindingRow[] {
  return listOf(value)
    .map(recordOf)
    .filter((f) => textOf(f["code"]) !== "" && textOf(f["message"]) !== "")
    .map((f) => ({
      code: textOf(f["code"]),
      name: textOf(f["name"]),
      level: textOf(f["level"]),
      origin: textOf(f["origin"]),
      path: textOf(f["path"]),
      message: textOf(f["message"]),
    }));
}
