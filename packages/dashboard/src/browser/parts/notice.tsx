import { clockTime } from "../format.ts";
import type { Polled } from "../use-poll.ts";

/** What is missing from the page, in words: a server that is away, gaps in the answer. */
export function Notice({ polled, gaps = [] }: { polled: Polled<unknown>; gaps?: readonly string[] }) {
  return (
    <div aria-live="polite">
      {polled.error !== undefined && (
        <p class="notice bad">
          {polled.refused ? "" : "The metrics service does not answer: "}
          {polled.error}.{" "}
          {polled.data !== undefined && !polled.refused
            ? `Figures are those of ${clockTime(polled.atMs)}; the page goes on asking.`
            : ""}
        </p>
      )}
      {gaps.map((gap) => (
        <p key={gap} class="notice">
          {gap}
        </p>
      ))}
    </div>
  );
}
