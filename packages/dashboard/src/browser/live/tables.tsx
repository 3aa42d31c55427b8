import type { NamedTapEvent } from "@heddle/viz/contract";
import { clockTime, millis } from "../format.ts";
import { Cards } from "../parts/cards.tsx";
import { NumCell } from "../parts/number-cells.tsx";
import { outcome } from "../parts/recent-failures.tsx";
import { failed } from "./filter.ts";
import type { Line } from "./use-tap.ts";

interface Sum {
  readonly event: NamedTapEvent;
  count: number;
  good: number;
  best: number;
  worst: number;
  last: number;
}

/** Linkerd's `top`: one row for each way and path. */
export function Top({ lines }: { lines: readonly Line[] }) {
  const sums = new Map<string, Sum>();
  for (const { event } of lines) {
    const key = [event.srcName, event.dstName, event.method, event.path.split("?")[0]].join("\n");
    const ms = event.durationMs;
    const sum = sums.get(key);
    if (!sum) sums.set(key, { event, count: 1, good: failed(event) ? 0 : 1, best: ms, worst: ms, last: ms });
    else {
      sum.count++;
      if (!failed(event)) sum.good++;
      sum.best = Math.min(sum.best, ms);
      sum.worst = Math.max(sum.worst, ms);
    }
  }
  const rows = [...sums.values()].sort((a, b) => a.good / a.count - b.good / b.count || b.count - a.count).slice(0, 15);
  return (
    <Cards
      caption="By path"
      heads={[
        "Request",
        "Way",
        { num: "Count" },
        { num: "Best" },
        { num: "Worst" },
        { num: "Last" },
        { num: "Success" },
      ]}
    >
      {rows.map(({ event, count, good, best, worst, last }) => (
        <tr
          key={`${event.srcName}${event.dstName}${event.method}${event.path}`}
          class={good < count ? "bad" : undefined}
        >
          <th scope="row" class="mono">
            {event.method} {event.path.split("?")[0]}
          </th>
          <td class="full" data-label="Way">
            {event.srcName} → {event.dstName}
          </td>
          <NumCell label="Count">{count}</NumCell>
          <NumCell label="Best">{millis(best)}</NumCell>
          <NumCell label="Worst">{millis(worst)}</NumCell>
          <NumCell label="Last">{millis(last)}</NumCell>
          <NumCell label="Success">{Math.round((good / count) * 100)} %</NumCell>
        </tr>
      ))}
    </Cards>
  );
}

/** Each call; its headers unfold. */
export function Calls({ lines }: { lines: readonly Line[] }) {
  return (
    <Cards caption="Newest first" heads={["Request", "Way", "Ended with", { num: "Took" }, "When"]}>
      {lines.slice(0, 40).map(({ id, event }) => (
        <tr key={id} class={failed(event) ? "bad" : undefined}>
          <th scope="row" class="mono">
            <details>
              <summary>
                {event.method} {event.path}
              </summary>
              <Details event={event} />
            </details>
          </th>
          <td class="full" data-label="Way">
            <span>
              {event.srcName} → {event.dstName} {event.tls ? <span title="mutual TLS">🔒︎</span> : null}
            </span>
          </td>
          <td class="full" data-label="Ended with">
            {failed(event) ? outcome(event) : event.grpcStatus === 0 ? "gRPC OK" : event.status}
          </td>
          <NumCell label="Took">{millis(event.durationMs)}</NumCell>
          <td class="when" data-label="When">
            {clockTime(event.time)}
          </td>
        </tr>
      ))}
    </Cards>
  );
}

function Details({ event }: { event: NamedTapEvent }) {
  return (
    <>
      <dl class="pairs">
        <Pair name="authority" value={event.authority} />
        <Pair name="from" value={`${event.src} ${event.srcId}`} />
        <Pair name="to" value={`${event.dst} ${event.dstId}`} />
        <Pair name="route" value={event.route} />
        <Pair name="response flags" value={event.flags === "-" ? "" : `${event.flags} ${event.details}`} />
      </dl>
      <Headers title="Request headers" headers={event.requestHeaders} />
      <Headers title="Response headers" headers={event.responseHeaders} />
      {event.usualHeadersOnly ? <p class="muted">Envoy tells the usual headers only.</p> : null}
    </>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  if (value.trim() === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Headers({ title, headers }: { title: string; headers: NamedTapEvent["requestHeaders"] }) {
  if (headers.length === 0) return null;
  return (
    <>
      <p class="muted">{title}</p>
      <dl class="pairs">
        {headers.map(([name, value], i) => (
          <Pair key={`${i}${name}`} name={name} value={value} />
        ))}
      </dl>
    </>
  );
}
