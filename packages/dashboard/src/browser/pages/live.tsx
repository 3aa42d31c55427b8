import type { NamedTapEvent } from "@heddle/viz/contract";
import { useEffect, useRef, useState } from "preact/hooks";
import { queryOf } from "../data.ts";
import { clockTime, millis } from "../format.ts";
import { outcome } from "../parts/recent-failures.tsx";
import { hashOf } from "../route.ts";
import { usePoll } from "../use-poll.ts";

/** Rows of the list; older ones fall out. */
const MAX_EVENTS = 200;
/** Events are drawn together, not one by one. Units: ms. */
const DRAW_MS = 300;

interface Line {
  readonly id: number;
  readonly event: NamedTapEvent;
}

/** Calls as they happen, and the same summed up by path. */
export function LivePage({ target }: { target: string }) {
  const overview = usePoll("api/overview", {}, 10_000);
  const [filter, setFilter] = useState("");
  const [failuresOnly, setFailuresOnly] = useState(false);
  const [namespace = "", kind = "", name = ""] = target.split("/");
  const { lines, problem, running, setRunning } = useTap(namespace, kind, name);
  const targets = (overview.data?.workloads ?? []).filter((w) => w.meshed > 0);
  const shown = lines.filter(({ event }) => {
    if (failuresOnly && !failed(event)) return false;
    const text = `${event.method} ${event.path} ${event.authority} ${event.srcName} ${event.dstName}`.toLowerCase();
    return text.includes(filter.toLowerCase());
  });
  return (
    <>
      <h1>Live calls</h1>
      <form class="controls" onSubmit={(e) => e.preventDefault()}>
        <label>
          <span>Workload</span>
          <select
            value={target}
            onChange={(e) => {
              location.hash = hashOf("live", ...e.currentTarget.value.split("/"));
            }}
          >
            <option value="">choose one…</option>
            {targets.map((w) => (
              <option key={`${w.namespace}/${w.name}`} value={`${w.namespace}/${w.kind}/${w.name}`}>
                {w.namespace}/{w.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Filter</span>
          <input
            type="search"
            value={filter}
            placeholder="path, method, name"
            onInput={(e) => setFilter(e.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={failuresOnly} onChange={(e) => setFailuresOnly(e.currentTarget.checked)} />
          <span>failures only</span>
        </label>
        {target ? (
          <button type="button" onClick={() => setRunning(!running)}>
            {running ? "Pause" : "Go on"}
          </button>
        ) : null}
      </form>
      {problem === "" ? null : (
        <p class="notice bad" role="status">
          {problem}
        </p>
      )}
      {target === "" ? (
        <p class="muted">
          Choose a workload: its proxies then tell each request. Nothing is recorded while nobody watches.
        </p>
      ) : null}
      {target !== "" && shown.length === 0 && problem === "" ? <p class="muted">Waiting for requests…</p> : null}
      {shown.length > 0 ? <Top lines={shown} /> : null}
      {shown.length > 0 ? <Calls lines={shown} /> : null}
      {target === "" ? null : (
        <p class="muted">
          In a terminal:{" "}
          <code>
            heddle viz tap {kind}/{name} -n {namespace}
          </code>
        </p>
      )}
    </>
  );
}

const failed = (event: NamedTapEvent) => event.status === 0 || event.status >= 500 || event.grpcStatus > 0;

function useTap(namespace: string, kind: string, name: string) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [problem, setProblem] = useState("");
  const [running, setRunning] = useState(true);
  const nextId = useRef(0);
  useEffect(() => {
    if (name === "" || !running) return;
    const source = new EventSource(`api/tap${queryOf({ namespace, kind, name, maxRps: "50" })}`);
    let waiting: Line[] = [];
    const draw = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting.reverse();
      waiting = [];
      setLines((old) => [...fresh, ...old].slice(0, MAX_EVENTS));
    }, DRAW_MS);
    source.onopen = () => setProblem("");
    source.onmessage = (message: MessageEvent<string>) => {
      waiting.push({ id: nextId.current++, event: JSON.parse(message.data) });
    };
    source.addEventListener("problem", (message) => {
      if (message instanceof MessageEvent) setProblem(String(JSON.parse(message.data)));
    });
    source.onerror = () =>
      setProblem(
        "The stream of calls was refused or broke; it works where the dashboard was opened with “heddle viz dashboard”, with the rights of whoever opened it.",
      );
    return () => {
      source.close();
      clearInterval(draw);
    };
  }, [namespace, kind, name, running]);
  return { lines, problem, running, setRunning };
}

interface Sum {
  readonly event: NamedTapEvent;
  count: number;
  good: number;
  best: number;
  worst: number;
  last: number;
}

/** Linkerd's `top`: one row for each way and path. */
function Top({ lines }: { lines: readonly Line[] }) {
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
    <table class="cards">
      <caption>By path</caption>
      <thead>
        <tr>
          <th scope="col">Request</th>
          <th scope="col">Way</th>
          <th scope="col" class="num">
            Count
          </th>
          <th scope="col" class="num">
            Best
          </th>
          <th scope="col" class="num">
            Worst
          </th>
          <th scope="col" class="num">
            Last
          </th>
          <th scope="col" class="num">
            Success
          </th>
        </tr>
      </thead>
      <tbody>
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
            <td class="num" data-label="Count">
              {count}
            </td>
            <td class="num" data-label="Best">
              {millis(best)}
            </td>
            <td class="num" data-label="Worst">
              {millis(worst)}
            </td>
            <td class="num" data-label="Last">
              {millis(last)}
            </td>
            <td class="num" data-label="Success">
              {Math.round((good / count) * 100)} %
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Calls({ lines }: { lines: readonly Line[] }) {
  return (
    <table class="cards">
      <caption>Newest first</caption>
      <thead>
        <tr>
          <th scope="col">Request</th>
          <th scope="col">Way</th>
          <th scope="col">Ended with</th>
          <th scope="col" class="num">
            Took
          </th>
          <th scope="col">When</th>
        </tr>
      </thead>
      <tbody>
        {lines.slice(0, 40).map(({ id, event }) => (
          <tr key={id} class={failed(event) ? "bad" : undefined}>
            <th scope="row" class="mono">
              {event.method} {event.path}
            </th>
            <td class="full" data-label="Way">
              {event.srcName} → {event.dstName} {event.tls ? <span title="mutual TLS">🔒︎</span> : null}
            </td>
            <td class="full" data-label="Ended with">
              {failed(event) ? outcome(event) : event.grpcStatus === 0 ? "gRPC OK" : event.status}
            </td>
            <td class="num" data-label="Took">
              {millis(event.durationMs)}
            </td>
            <td data-label="When">{clockTime(event.time)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
