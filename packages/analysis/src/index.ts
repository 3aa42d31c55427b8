export { analyze } from "./analyze.ts";
export type { Analyzer } from "./analyzer.ts";
export { analyzers } from "./analyzers.ts";
export { atLeast, type Code, codes, type Level, levelNamed } from "./codes.ts";
export { type Finding, type FindingJson, finding, findingJson, findingText, levelOf } from "./finding.ts";
export {
  type AnalysisInput,
  type AnalysisOptions,
  analysisInput,
  type ListeningPod,
  type OtherCluster,
} from "./input.ts";
export { type AnalysedKind, analysedKinds } from "./kinds.ts";
export { readSuppression, type Suppression } from "./suppress.ts";
