import type { NamedTapEvent } from "@heddle/viz/contract";
import type { RecentFailures } from "../data.ts";
import { clockTime } from "../format.ts";
import type { Polled } from "../use-poll.ts";
import { Cards } from "./cards.tsx";
import { groupFailures } from "./failure-groups.ts";
import { NumCell } from "./number-cells.tsx";

export function outcome(
  event: Pick<NamedTapEvent, "status" | "grpcStatus" | "grpcMessage" | "flags" | "details">,
): string {
  const flags = event.flags === "-" || event.flags === "" ? "" : ` ${event.flags}`;
  if (event.grpcStatus > 0)
    return `gRPC ${event.grpcStatus}${event.grpcMessage === "" ? "" : ` “${event.grpcMessage}”`}${flags}`;
  return event.status === 0 ? `no answer${flags}` : `HTTP ${event.status}${flags}`;
}

/** Which requests failed lately: the proxies keep the last ones. */
export function RecentFailuresTable({ polled }: { polled: Polled<RecentFailures> }) {
  const { data } = polled;
  const groups = groupFailures(data?.events ?? []);
  return (
    <section>
      <h2>Recent failures</h2>
      {polled.error !== undefined && data === undefined ? (
        <p class="muted">
          {polled.unknown
            ? "Which requests failed is told where the dashboard was opened with “heddle viz dashboard”, with the rights of whoever opened it."
            : `Not to be had now: ${polled.error}`}
        </p>
      ) : null}
      {data === undefined && polled.error === undefined ? <p class="muted">Asking the proxies…</p> : null}
      {data?.problems.map((p) => (
        <p key={p} class="notice">
          {p}
        </p>
      ))}
      {data !== undefined && groups.length === 0 ? <p class="muted">The proxies remember none.</p> : null}
      {groups.length > 0 ? (
        <Cards heads={["Request", "Way", "Ended with", { num: "Count" }, "Last"]}>
          {groups.slice(0, 20).map(({ key, event, count, lastMs }) => (
            <tr key={key} class="bad">
              <th scope="row" class="mono">
                {event.method} {event.path}
              </th>
              <td class="full" data-label="Way">
                {event.srcName} → {event.dstName}
              </td>
              <td class="full" data-label="Ended with">
                {outcome(event)}
              </td>
              <NumCell label="Count">{count}</NumCell>
              <td data-label="Last">{clockTime(lastMs)}</td>
            </tr>
          ))}
        </Cards>
      ) : null}
    </section>
  );
}
