import { type Finding, findingJson } from "@heddle/analysis";
import { isObject, type Problem, readObjects } from "@heddle/config";

/** The condition that says whether a resource is in force. */
export interface ReconciledCondition {
  readonly type: "Reconciled";
  readonly status: "True" | "False";
  readonly reason: "Valid" | "AcceptedWithWarnings" | "Invalid";
  readonly message: string;
}

/** What the status of a resource has to say about its problems. */
export function reconciled(problems: readonly Problem[]): ReconciledCondition {
  const text = (list: readonly Problem[]): string =>
    list.map(({ path, reason }) => (path === "" ? reason : `${path}: ${reason}`)).join("; ");
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    return {
      type: "Reconciled",
      status: "False",
      reason: "Invalid",
      message: `not in force, the last valid version is: ${text(errors)}`,
    };
  if (problems.length > 0)
    return { type: "Reconciled", status: "True", reason: "AcceptedWithWarnings", message: text(problems) };
  return { type: "Reconciled", status: "True", reason: "Valid", message: "in force" };
}

/** Istio's `validationMessages` of a resource's status. */
export function validationMessages(findings: readonly Finding[]): readonly unknown[] {
  return findings.map((one) => {
    const { code, name, level, message, documentationUrl, path } = findingJson(one);
    return {
      type: { code, name },
      level: level.toUpperCase(),
      documentationUrl,
      message: path === undefined ? message : `${path}: ${message}`,
    };
  });
}

/** The conditions of a status as they stand. */
export function conditionsOf(status: unknown): ReturnType<typeof readObjects> {
  return isObject(status) ? readObjects(status["conditions"]) : [];
}

/** The conditions of a status with ours in place, the others as they are; undefined when nothing would change. */
export function withCondition(
  status: unknown,
  wanted: ReconciledCondition,
  generation: number,
  now: string,
): readonly unknown[] | undefined {
  const all = conditionsOf(status);
  const old = all.find((one) => one["type"] === wanted.type);
  const same =
    old !== undefined &&
    old["status"] === wanted.status &&
    old["reason"] === wanted.reason &&
    old["message"] === wanted.message &&
    old["observedGeneration"] === generation;
  if (same) return undefined;
  const since = old?.["status"] === wanted.status ? old["lastTransitionTime"] : now;
  return [
    ...all.filter((one) => one !== old),
    { ...wanted, observedGeneration: generation, lastTransitionTime: since ?? now },
  ];
}
