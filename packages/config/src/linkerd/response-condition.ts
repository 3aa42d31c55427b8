import type { ProblemSink } from "../problem.ts";
import { describe, leaf, type Schema } from "../schema/schema.ts";
import { readConditions } from "./condition-list.ts";

/** What a ServiceProfile asks of a response. */
export interface ResponseCondition {
  readonly status?: { readonly min: number; readonly max: number };
  readonly all?: readonly ResponseCondition[];
  readonly any?: readonly ResponseCondition[];
  readonly not?: ResponseCondition;
}

const MAX_DEPTH = 10;

/** Whether a response of this status meets the condition. */
export function statusMeets(condition: ResponseCondition, status: number): boolean {
  const { status: range, all, any, not } = condition;
  return (
    (range === undefined || (status >= range.min && status <= range.max)) &&
    (all === undefined || all.every((one) => statusMeets(one, status))) &&
    (any === undefined || any.some((one) => statusMeets(one, status))) &&
    (not === undefined || !statusMeets(not, status))
  );
}

/** Source: Linkerd's ServiceProfile, `condition` of a response class. */
export const responseCondition: Schema<ResponseCondition, false> = leaf(
  "ResponseMatch",
  { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  (value, path, sink) => readCondition(value, path, sink, 0),
);

function readCondition(value: unknown, path: string, sink: ProblemSink, depth: number): ResponseCondition | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > MAX_DEPTH) {
    sink.error(path, `expected an object (ResponseMatch), nested at most ${MAX_DEPTH} deep, got ${describe(value)}`);
    return undefined;
  }
  const found: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    const at = `${path}.${key}`;
    if (key === "status") found.push([key, readRange(member, at, sink)]);
    else if (key === "not") found.push([key, readCondition(member, at, sink, depth + 1)]);
    else if (key === "all" || key === "any") {
      found.push([key, readConditions(member, at, sink, (item, place) => readCondition(item, place, sink, depth + 1))]);
    } else {
      found.push([key, undefined]);
      sink.error(at, "unknown field; known are status, all, any, not");
    }
  }
  if (found.some(([, read]) => read === undefined)) return undefined;
  if (found.length > 0) return Object.fromEntries(found) as ResponseCondition;
  sink.error(path, "is empty; give one of status, all, any, not");
  return undefined;
}

function readRange(value: unknown, path: string, sink: ProblemSink): ResponseCondition["status"] {
  const bound = (key: "min" | "max", fallback: number) => {
    const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
    return found === undefined ? fallback : found;
  };
  const min = bound("min", Number(bound("max", 100)));
  const max = bound("max", Number(min));
  const isStatus = (one: unknown): one is number =>
    typeof one === "number" && Number.isInteger(one) && one >= 100 && one < 600;
  if (isStatus(min) && isStatus(max) && min <= max && typeof value === "object" && value !== null) return { min, max };
  sink.error(path, "expected min and max, statuses from 100 to 599 of which min is not the larger");
  return undefined;
}
