import { UsageError } from "../context.ts";
import type { CheckCategory, CheckItem, CheckNote, CheckReport, CheckResult, CheckTarget } from "./check.ts";
import { hintOf } from "./check.ts";

export interface RunnerOptions {
  readonly waitMs: number;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
  /** Called as each line is known, so that a person sees progress. */
  onCategory(name: string): void;
  onCheck(check: CheckReport["checks"][number]): void;
}

const RETRY_EVERY_MS = 500;

/** Runs the categories in order; a fatal failure ends its category and all behind it, as Linkerd's check does. */
export async function runChecks(
  categories: readonly CheckCategory[],
  target: CheckTarget,
  options: RunnerOptions,
): Promise<{ success: boolean; categories: readonly CheckReport[] }> {
  const deadline = options.nowMs() + options.waitMs;
  const reports: CheckReport[] = [];
  for (const category of categories) {
    options.onCategory(category.name);
    const checks: CheckReport["checks"][number][] = [];
    let fatal = false;
    for (const item of category.items) {
      const outcome = await attempt(item, target, deadline, options);
      if (typeof outcome === "object" && outcome.kind === "nothing") continue;
      const error = typeof outcome === "string" ? outcome : undefined;
      const result: CheckResult = error === undefined ? "success" : item.severity === "fatal" ? "error" : "warning";
      const line = {
        description: item.description,
        hint: error === undefined ? "" : hintOf(item.anchor),
        error: error ?? "",
        result,
        ...(typeof outcome === "object" ? { found: outcome.names } : {}),
      };
      checks.push(line);
      options.onCheck(line);
      fatal = result === "error";
      if (fatal) break;
    }
    reports.push({ categoryName: category.name, checks });
    if (fatal) return { success: false, categories: reports };
  }
  return { success: true, categories: reports };
}

async function attempt(
  item: CheckItem,
  target: CheckTarget,
  deadline: number,
  options: RunnerOptions,
): Promise<string | CheckNote | undefined> {
  for (;;) {
    try {
      return (await item.run(target)) ?? undefined;
    } catch (error) {
      // Waiting does not mend what was asked of the wrong cluster.
      if (!item.retry || error instanceof UsageError || options.nowMs() + RETRY_EVERY_MS > deadline)
        return error instanceof Error ? error.message : String(error);
      await options.sleep(RETRY_EVERY_MS);
    }
  }
}
