import { dict, list, text } from "../api/json/json-value.ts";
import { timestamp } from "./pod-state.ts";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

type Stored = Readonly<Record<string, unknown>>;

export function conditionOf(conditions: unknown, type: string): Stored | undefined {
  const found = list(conditions).find((item) => dict(item)["type"] === type);
  return found === undefined ? undefined : dict(found);
}

export function withoutCondition(conditions: unknown, type: string): readonly Stored[] {
  return list(conditions)
    .map(dict)
    .filter((item) => item["type"] !== type);
}

/** Sets a condition; one with the same status and reason stays as it is. `lastTransitionTime` changes with the status only; `updateTime` names what else is stamped. */
export function withCondition(
  conditions: unknown,
  next: Condition,
  nowMs: number,
  updateTime: boolean | "lastProbeTime",
): readonly Stored[] {
  const present = conditionOf(conditions, next.type);
  if (present !== undefined && present["status"] === next.status && present["reason"] === next.reason)
    return list(conditions).map(dict);
  const now = timestamp(nowMs);
  const since =
    present !== undefined && present["status"] === next.status ? text(present["lastTransitionTime"], now) : now;
  const made: Stored = {
    type: next.type,
    status: next.status,
    ...(updateTime !== false && { [updateTime === true ? "lastUpdateTime" : updateTime]: now }),
    lastTransitionTime: since,
    reason: next.reason,
    message: next.message,
  };
  const others = withoutCondition(conditions, next.type);
  return [...others, made];
}
