import type { Code } from "./codes.ts";
import type { Finding } from "./finding.ts";
import type { AnalysisInput } from "./input.ts";

/** One question about the configuration; pure. */
export interface Analyzer {
  /** `area.Name`, as `--list-analyzers` prints it. */
  readonly name: string;
  readonly about: string;
  /** Codes that it may give. */
  readonly codes: readonly Code[];
  analyze(input: AnalysisInput): readonly Finding[];
}
