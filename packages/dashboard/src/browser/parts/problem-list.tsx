import type { Problem } from "@heddle/viz/contract";
import { clockTime, duration } from "../format.ts";
import { hashOf } from "../route.ts";

/** Each problem with its cause and the next step. */
export function ProblemList({
  problems,
  nowMs,
  historyMs,
}: {
  problems: readonly Problem[];
  nowMs: number;
  /** Where the history begins: what began there may be older. */
  historyMs: number | null;
}) {
  return (
    <ul class="problems">
      {problems.map((p) => (
        <li key={p.id} class={p.severity === "error" ? "bad" : "poor"}>
          <h2>
            <span class="sign" aria-hidden="true">
              {p.severity === "error" ? "✕" : "!"}
            </span>
            {p.namespace !== undefined && p.name !== undefined ? (
              <a href={hashOf("workload", p.namespace, "deployment", p.name)}>{p.what}</a>
            ) : (
              p.what
            )}
          </h2>
          <dl>
            <dt>Cause</dt>
            <dd>{p.cause}</dd>
            <dt>Next</dt>
            <dd>{p.next}</dd>
            {p.sinceMs === null ? null : (
              <>
                <dt>Since</dt>
                <dd>
                  {historyMs !== null && p.sinceMs <= historyMs + 20_000 ? "at least " : ""}
                  {clockTime(p.sinceMs)} ({duration(Math.max(1000, nowMs - p.sinceMs))})
                </dd>
              </>
            )}
          </dl>
        </li>
      ))}
    </ul>
  );
}
