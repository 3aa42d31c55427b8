import { useState } from "preact/hooks";
import { commandLine, type Filter, NO_FILTER, passes } from "../live/filter.ts";
import { Calls, Top } from "../live/tables.tsx";
import { useTap } from "../live/use-tap.ts";
import { hashOf } from "../route.ts";
import { usePoll } from "../use-poll.ts";

/** Calls as they happen, and the same summed up by path. */
export function LivePage({ target }: { target: string }) {
  const overview = usePoll("api/overview", {}, 10_000);
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  const [namespace = "", kind = "", name = ""] = target.split("/");
  const { lines, problem, running, setRunning } = useTap(namespace, kind, name);
  const targets = (overview.data?.workloads ?? []).filter((w) => w.meshed > 0);
  const shown = lines.filter(({ event }) => passes(event, filter));
  const seen = (pick: (line: (typeof lines)[number]) => string, chosen: string) =>
    [...new Set([...lines.map(pick), chosen])].filter((text) => text !== "").sort();
  const set = (change: Partial<Filter>) => setFilter({ ...filter, ...change });
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
        {target === "" ? null : (
          <>
            <Choice
              title="Method"
              value={filter.method}
              options={seen((l) => l.event.method, filter.method)}
              onChange={(method) => set({ method })}
            />
            <label>
              <span>Path begins with</span>
              <input
                type="search"
                value={filter.path}
                placeholder="/"
                onInput={(e) => set({ path: e.currentTarget.value })}
              />
            </label>
            <Choice
              title="Authority"
              value={filter.authority}
              options={seen((l) => l.event.authority, filter.authority)}
              onChange={(authority) => set({ authority })}
            />
            <Choice
              title="To"
              value={filter.to}
              options={seen((l) => (l.event.direction === "out" ? l.event.dstName : ""), filter.to)}
              onChange={(to) => set({ to })}
            />
            <label class="check">
              <input
                type="checkbox"
                checked={filter.failuresOnly}
                onChange={(e) => set({ failuresOnly: e.currentTarget.checked })}
              />
              <span>failures only</span>
            </label>
            <button type="button" onClick={() => setRunning(!running)}>
              {running ? "Pause" : "Go on"}
            </button>
          </>
        )}
      </form>
      {target === "" ? null : (
        <p class="muted">
          In a terminal: <code>{commandLine("tap", { namespace, kind, name }, filter)}</code>, summed up:{" "}
          <code>{commandLine("top", { namespace, kind, name }, filter)}</code>
        </p>
      )}
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
      {target !== "" && shown.length === 0 && problem === "" ? (
        <p class="muted">
          {lines.length === 0 ? "Waiting for requests…" : "None of the requests so far passes the filter."}
        </p>
      ) : null}
      {shown.length > 0 ? <Top lines={shown} /> : null}
      {shown.length > 0 ? <Calls lines={shown} /> : null}
    </>
  );
}

function Choice({
  title,
  value,
  options,
  onChange,
}: {
  title: string;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
}) {
  return (
    <label>
      <span>{title}</span>
      <select value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="">any</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}
