import { useRef, useState } from "preact/hooks";
import { clockTime } from "../format.ts";
import { Drawing } from "../graph/drawing.tsx";
import { Notice } from "../parts/notice.tsx";
import { usePoll } from "../use-poll.ts";

const STEP_MS = 10_000;

/** Who calls whom. */
export function GraphPage({ windowMs }: { windowMs: string }) {
  const [backMs, setBackMs] = useState(0);
  const [liveMs, setLiveMs] = useState(0);
  const at = backMs === 0 ? undefined : String(liveMs - backMs);
  const polled = usePoll("api/graph", { windowMs, at }, backMs === 0 ? 3000 : 60_000);
  // While the time is dragged the last picture stays, and with it how far back one can go.
  const last = useRef(polled.data);
  if (polled.data) last.current = polled.data;
  const data = polled.data ?? (polled.error === undefined ? last.current : undefined);
  const newestMs = backMs === 0 ? (data?.timeMs ?? 0) : liveMs;
  const history =
    STEP_MS * Math.floor(Math.min(6 * 3_600_000, Math.max(0, newestMs - (data?.sinceMs ?? newestMs))) / STEP_MS);
  return (
    <>
      <h1>Graph</h1>
      <Notice polled={polled} gaps={data?.gaps ?? []} />
      <div class="controls">
        <label class="grow">
          <span>
            {backMs === 0 ? "Now; drag back to look into the past" : `As it was at ${clockTime(liveMs - backMs)}`}
          </span>
          <input
            type="range"
            min={-Math.max(STEP_MS, history)}
            max="0"
            step={STEP_MS}
            value={-backMs}
            disabled={history < STEP_MS}
            onInput={(e) => {
              const back = -Number(e.currentTarget.value);
              if (backMs === 0) setLiveMs(Date.now());
              setBackMs(back);
            }}
          />
        </label>
        {backMs > 0 ? (
          <button type="button" onClick={() => setBackMs(0)}>
            Back to now
          </button>
        ) : null}
      </div>
      {data === undefined && polled.error === undefined ? <p class="muted">Drawing…</p> : null}
      {data?.nodes.length === 0 ? <p class="notice">No workload with a proxy and no traffic yet.</p> : null}
      {data && data.nodes.length > 0 ? <Drawing graph={data} /> : null}
    </>
  );
}
