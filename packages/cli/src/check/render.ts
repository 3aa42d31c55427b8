import type { CheckReport } from "./check.ts";

const MARK = { success: "√", warning: "‼", error: "×" } as const;

export function renderCategory(name: string, first: boolean): string {
  return `${first ? "" : "\n"}${name}\n${"-".repeat(name.length)}\n`;
}

export function renderCheck(check: CheckReport["checks"][number]): string {
  const line = `${MARK[check.result]} ${check.description}\n`;
  if (check.result === "success") return line + (check.found ?? []).map((name) => `\t* ${name}\n`).join("");
  return `${line}    ${check.error.replaceAll("\n", "\n    ")}\n    see ${check.hint} for hints\n`;
}

export function renderSummary(success: boolean): string {
  return `\nStatus check results are ${success ? MARK.success : MARK.error}\n`;
}

/** `-o short`: only what is not well. */
export function renderShort(categories: readonly CheckReport[], success: boolean): string {
  const bad = categories
    .map((c) => ({ ...c, checks: c.checks.filter((x) => x.result !== "success") }))
    .filter((c) => c.checks.length > 0)
    .map((c, i) => renderCategory(c.categoryName, i === 0) + c.checks.map(renderCheck).join(""));
  return `${bad.join("")}${renderSummary(success).trimStart()}`;
}
