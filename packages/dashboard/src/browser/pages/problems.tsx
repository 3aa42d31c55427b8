import { Notice } from "../parts/notice.tsx";
import { ProblemList } from "../parts/problem-list.tsx";
import type { usePoll } from "../use-poll.ts";

/** Everything that is wrong now. */
export function ProblemsPage({ polled }: { polled: ReturnType<typeof usePoll<"api/problems">> }) {
  const { data } = polled;
  return (
    <>
      <h1>Problems</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      {data === undefined ? <p class="muted">Looking…</p> : null}
      {data?.problems.length === 0 ? (
        <p class="notice good">
          <span aria-hidden="true">✓</span> Nothing is wrong: no failing way, no plain text, every proxy in sync, every
          certificate valid, no finding of the analysis.
        </p>
      ) : null}
      {data ? <ProblemList problems={data.problems} nowMs={data.timeMs} historyMs={data.sinceMs} /> : null}
    </>
  );
}
