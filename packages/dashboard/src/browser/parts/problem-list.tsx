import type { Problem } from "@heddle/viz/contract";
import { clockTime, duration } from "../format.ts";
import { hashOf } from "../route.ts";

/** Each problem with its cause and the next step. */
export function ProblemList({ problems, nowMs }: { problems: readonly Problem[]; nowMs: number }) {
  return (
    <ul class="problems">
      {problems.map((p) => (
        <li key={p.id} class={p.severity === "error" ? "bad" : "poor"}>
          <h3>
            <span class="sign" aria-hidden="true">
              {p.severity === "error" ? "✕" : "!"}
            </span>
            {p.namespace !== undefined && p.name !== undefined ? (
              <a href={hashOf("workload", p.namespace, "deployment", p.name)}>{p.what}</a>
            ) : (
              p.what
            )}
          </h3>
          <dl>
            <dt>Cause</dt>
            <dd>{p.cause}</dd>
            <dt>Next</dt>
            <dd>{p.next}</dd>
            {p.sinceMs === null ? null : (
              <>
                <dt>Since</dt>
                <dd>
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
