/** What one conformance suite found. */
export interface SuiteResult {
  /** Name of the table's file, without its ending. */
  readonly name: string;
  readonly title: string;
  /** How it was set up, in one sentence. */
  readonly setting: string;
  /** Rows of the table: group, passed, failed, skipped. */
  readonly groups: readonly SuiteGroup[];
  /** Names of what failed, with the reason where the suite gives one. */
  readonly failures: readonly string[];
  /** More behind the table, in Markdown. Default: nothing. */
  readonly appendix?: string;
}

export interface SuiteGroup {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A suite that can't run here. */
export interface SuiteSkip {
  readonly skipped: string;
}

export function totals(groups: readonly SuiteGroup[]): Omit<SuiteGroup, "name"> {
  const sum = (pick: (group: SuiteGroup) => number) => groups.reduce((all, group) => all + pick(group), 0);
  return { passed: sum((g) => g.passed), failed: sum((g) => g.failed), skipped: sum((g) => g.skipped) };
}

/** The table as it is kept in `conformance/`; `made` says when and of which commit. */
export function suiteTable(result: SuiteResult, made: string): string {
  const { passed, failed, skipped } = totals(result.groups);
  const rows = [...result.groups, { name: "**all**", passed, failed, skipped }].map(
    (g) => `| ${g.name} | ${g.passed} | ${g.failed} | ${g.skipped} |`,
  );
  const failures =
    result.failures.length === 0 ? "" : `\nFailed:\n\n${result.failures.map((f) => `- ${f}`).join("\n")}\n`;
  const appendix = result.appendix === undefined ? "" : `\n${result.appendix}\n`;
  return `# ${result.title}\n\n${result.setting} ${made}\n\n| group | passed | failed | skipped |\n|---|--:|--:|--:|\n${rows.join("\n")}\n${failures}${appendix}`;
}
