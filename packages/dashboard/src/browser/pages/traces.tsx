import { clockTime, millis } from "../format.ts";
import { Cards } from "../parts/cards.tsx";
import { Notice } from "../parts/notice.tsx";
import { NumCell } from "../parts/number-cells.tsx";
import { hashOf } from "../route.ts";
import type { Trace } from "../traces/jaeger.ts";
import { type Row, spanTitle, type Waterfall, waterfall } from "../traces/waterfall.ts";
import { usePoll } from "../use-poll.ts";

const LIMIT = "25";

/** Recent traces, and one as a waterfall. */
export function TracesPage({ service, trace }: { service: string; trace: string }) {
  const services = usePoll("api/services", {}, 10_000);
  const names = [...(services.data?.data ?? [])].sort();
  const chosen = service === "" ? (names[0] ?? "") : service;
  return (
    <>
      <h1>Traces</h1>
      {services.unknown ? (
        <p class="notice">
          The metrics service keeps no traces here; a Jaeger of your own shows them:{" "}
          <code>heddle dashboard jaeger</code>
        </p>
      ) : (
        <Notice polled={services} />
      )}
      <form class="controls" onSubmit={(e) => e.preventDefault()}>
        <label>
          <span>Service</span>
          <select
            value={chosen}
            onChange={(e) => {
              location.hash = hashOf("traces", e.currentTarget.value);
            }}
          >
            {[...new Set([...names, chosen])].map((name) => (
              <option key={name} value={name}>
                {name || "none yet"}
              </option>
            ))}
          </select>
        </label>
      </form>
      {services.data !== undefined && chosen === "" ? (
        <p class="notice">
          No span has arrived. Proxies report where a Telemetry resource or the MeshConfig asks for tracing; 1 % of
          requests are sampled unless it says otherwise (<code>randomSamplingPercentage</code>).
        </p>
      ) : null}
      {chosen === "" ? null : <Traces key={chosen} service={chosen} trace={trace} />}
    </>
  );
}

function Traces({ service, trace }: { service: string; trace: string }) {
  const polled = usePoll("api/traces", { service, limit: LIMIT, lookback: "1h" }, 4000);
  const all = (polled.data?.data ?? []).filter((t) => t.spans.length > 0);
  const open = all.find((t) => t.traceID === trace);
  return (
    <>
      <Notice polled={polled} />
      {trace === "" ? null : open ? (
        <One trace={open} service={service} />
      ) : polled.data === undefined ? (
        <p class="muted">Asking…</p>
      ) : (
        <p class="notice">This trace is no longer kept: the newest ones push it out.</p>
      )}
      {polled.data !== undefined && all.length === 0 ? (
        <p class="muted">No trace of {service} in the last hour.</p>
      ) : null}
      {all.length > 0 ? <List traces={all} service={service} chosen={trace} /> : null}
    </>
  );
}

function List({ traces, service, chosen }: { traces: readonly Trace[]; service: string; chosen: string }) {
  const rows = traces
    .map((t) => ({ id: t.traceID, fall: waterfall(t) }))
    .sort((a, b) => b.fall.startMs - a.fall.startMs);
  return (
    <Cards caption="Newest first" heads={["Trace", "Services", { num: "Spans" }, { num: "Took" }, "When"]}>
      {rows.map(({ id, fall }) => (
        <tr key={id} class={fall.failed ? "bad" : undefined}>
          <th scope="row">
            <a href={hashOf("traces", service, id)} aria-current={id === chosen ? "true" : undefined}>
              {fall.title}
            </a>{" "}
            <small class="mono">{id.slice(0, 8)}</small>
            {fall.failed ? <small class="health bad"> ✕ failed</small> : null}
          </th>
          <td class="full" data-label="Services">
            {fall.services.join(", ")}
          </td>
          <NumCell label="Spans">{fall.rows.length}</NumCell>
          <NumCell label="Took">{millis(fall.durationMs)}</NumCell>
          <td class="when" data-label="When">
            {clockTime(fall.startMs)}
          </td>
        </tr>
      ))}
    </Cards>
  );
}

function One({ trace, service }: { trace: Trace; service: string }) {
  const fall = waterfall(trace);
  return (
    <section class="waterfall" aria-label="Waterfall">
      <h2>
        {fall.title} <small class="mono">{trace.traceID}</small>
      </h2>
      <p>
        {fall.rows.length} spans of {fall.services.length} services in {millis(fall.durationMs)}.{" "}
        <a href={hashOf("traces", service)}>Close</a>
      </p>
      {fall.incomplete ? (
        <p class="notice">
          A span names a parent that did not arrive: its service does not report, or its export was lost.
        </p>
      ) : null}
      <ol>
        {fall.rows.map((row) => (
          <Line key={row.span.spanID} row={row} fall={fall} />
        ))}
      </ol>
    </section>
  );
}

function Line({ row, fall }: { row: Row; fall: Waterfall }) {
  const { span } = row;
  const colour = fall.services.indexOf(row.service) % 6;
  return (
    <li>
      <details>
        <summary>
          <span class="span-name">
            <svg width={row.depth * 14} height="1" aria-hidden="true" />
            {row.failed ? <span class="health bad">✕ </span> : null}
            <b>{row.service}</b> {spanTitle(span)}
          </span>
          <svg class="span-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect
              class={row.failed ? "failed" : `service-${colour}`}
              x={row.start * 100}
              width={Math.max(0.4, row.length * 100)}
              y="1"
              height="8"
            />
          </svg>
          <span class="num">{millis(span.duration / 1000)}</span>
        </summary>
        <dl class="pairs">
          {(span.tags ?? []).map(({ key, value }) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </li>
  );
}
