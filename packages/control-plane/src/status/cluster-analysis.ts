import { type AnalysisOptions, analysedKinds, analysisInput, analyze, type Finding } from "@heddle/analysis";
import { asKubeObject } from "@heddle/config";
import { type KubeClient, listKinds } from "@heddle/kube-client";

/** Finds what is wrong between the resources of the cluster, as `heddle analyze` does. */
export interface ClusterAnalysis {
  /** A run that is under way, or has just ended, answers for those who ask meanwhile. Errors: `KubeError`. */
  run(): Promise<readonly Finding[]>;
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
  return {
    run: () => {
      if (last !== undefined && now() - last.startedMs < FRESH_MS) return last.findings;
      const findings = look();
      last = { startedMs: now(), findings };
      findings.catch(() => {
        last = undefined;
      });
      return findings;
    },
  };
}
