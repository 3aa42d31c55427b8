import { type AnalysisOptions, analysedKinds, analysisInput, analyze, type Finding } from "@heddle/analysis";
import { asKubeObject } from "@heddle/config";
import { type KubeClient, listKinds } from "@heddle/kube-client";

/** Finds what is wrong between the resources of the cluster, as `heddle analyze` does. */
export interface ClusterAnalysis {
  /** Lists everything anew, after a run that is under way: what changed before the call is in the result. Errors: `KubeError`. */
  run(): Promise<readonly Finding[]>;
  /** The same, but a run that is under way, or has just ended, answers for those who ask meanwhile. Errors: `KubeError`. */
  recent(): Promise<readonly Finding[]>;
}

export interface ClusterAnalysisOptions {
  readonly kube: KubeClient;
  /** The settings in force. */
  readonly options: () => AnalysisOptions;
  readonly now: () => number;
}

/** A result is given out again for this long. Units: ms. */
const FRESH_MS = 2000;

export function createClusterAnalysis({ kube, options, now }: ClusterAnalysisOptions): ClusterAnalysis {
  let last: { readonly startedMs: number; readonly findings: Promise<readonly Finding[]> } | undefined;
  const look = async (): Promise<readonly Finding[]> => {
    const { objects } = await listKinds(kube, analysedKinds);
    const read = objects.flatMap((object) => asKubeObject(object) ?? []);
    return analyze(analysisInput(read, { ...options(), now: now() }));
  };
  const run = (): Promise<readonly Finding[]> => {
    const findings = last === undefined ? look() : last.findings.then(look, look);
    const mine = { startedMs: now(), findings };
    last = mine;
    findings.catch(() => {
      if (last === mine) last = undefined;
    });
    return findings;
  };
  return {
    run,
    recent: () => (last !== undefined && now() - last.startedMs < FRESH_MS ? last.findings : run()),
  };
}
