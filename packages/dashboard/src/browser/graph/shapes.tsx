import type { TrafficRow } from "@heddle/viz/contract";
import { HEALTH_SIGN, health, percent, rate } from "../format.ts";
import type { Box, Frame, Way } from "./layout.ts";

/** Golden figures of several rows together. */
export function together(rows: readonly Pick<TrafficRow, "requests" | "failures" | "rps" | "secured">[]) {
  const requests = rows.reduce((n, r) => n + r.requests, 0);
  const failures = rows.reduce((n, r) => n + r.failures, 0);
  return {
    success: requests === 0 ? null : (requests - failures) / requests,
    rps: rows.reduce((n, r) => n + r.rps, 0),
    secured: rows.every((r) => r.secured),
  };
}

/** Success and rate of a box: of all that it stands for. */
export function boxFigures(box: Box) {
  const asked = box.nodes.filter((n) => n.success !== null);
  const rps = box.nodes.reduce((n, node) => n + (node.rps ?? 0), 0);
  const good = asked.reduce((n, node) => n + (node.success ?? 0) * (node.rps ?? 0), 0);
  return { success: asked.length === 0 ? null : rps === 0 ? 1 : good / rps, rps: asked.length === 0 ? null : rps };
}

export function BoxShape({
  box,
  dimmed,
  chosen,
  onChoose,
}: {
  box: Box;
  dimmed: boolean;
  chosen: boolean;
  onChoose: () => void;
}) {
  const { success, rps } = boxFigures(box);
  const failing = box.nodes.filter((n) => health(n.success) === "bad" || health(n.success) === "poor");
  // A folded namespace is as ill as its worst workload: an average would hide it.
  const state = failing.some((n) => health(n.success) === "bad")
    ? "bad"
    : failing.length > 0
      ? "poor"
      : health(success);
  const meshed = box.nodes.some((n) => n.meshed > 0);
  const quiet = meshed ? "no requests in" : "no proxy";
  const figures = success === null ? quiet : `${percent(success)} · ${rate(rps)}/s`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button can't stand inside a drawing
    <g
      class={`node ${state}${dimmed ? " dim" : ""}${chosen ? " chosen" : ""}${meshed ? "" : " outside"}`}
      transform={`translate(${box.x - box.width / 2},${box.y - box.height / 2})`}
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      onClick={onChoose}
      onKeyDown={(e) => {
        if (e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        onChoose();
      }}
    >
      {box.folded ? <rect class="shadow" x="5" y="-5" width={box.width} height={box.height} rx="8" /> : null}
      <rect class="body" width={box.width} height={box.height} rx="8" />
      <rect class="edge" width="5" height={box.height} rx="2" />
      <text class="name" x="15" y="23">
        {short(box.name, box.width, 7.6)}
      </text>
      <text class="far-name" x="12" y="36">
        {shortInside(box.name, box.width, 13)}
      </text>
      <text class="figures" x="15" y="42">
        <tspan class="sign">{HEALTH_SIGN[state]}</tspan>{" "}
        {box.folded && failing.length > 0 ? `${failing.length} of ${box.nodes.length} failing` : figures}
      </text>
    </g>
  );
}

/** `letter`: width of one. Units: px. */
const short = (name: string, width: number, letter: number) => {
  const fits = Math.floor((width - 22) / letter);
  return name.length > fits ? `${name.slice(0, Math.max(1, fits - 1))}…` : name;
};

/** Both ends stay: names of one family differ at the end. */
const shortInside = (name: string, width: number, letter: number) => {
  const fits = Math.floor((width - 22) / letter);
  if (name.length <= fits) return name;
  const half = Math.floor((fits - 1) / 2);
  return `${name.slice(0, fits - 1 - half)}…${name.slice(name.length - half)}`;
};

export function WayShape({
  way,
  dimmed,
  labelled,
  moving,
}: {
  way: Way;
  dimmed: boolean;
  labelled: boolean;
  moving: boolean;
}) {
  const { success, rps, secured } = together(way.rows);
  const state = health(success);
  const middle = { x: (way.start.x + way.end.x) / 2, y: (way.start.y + way.end.y) / 2 };
  const path = curve(way);
  return (
    <g class={`way ${state}${dimmed ? " dim" : ""}`}>
      <path class="line" d={path} marker-end={`url(#arrow-${state})`} />
      {moving && !dimmed && rps > 0 ? <path class="flow" d={path} /> : null}
      {labelled ? (
        <g transform={`translate(${middle.x},${middle.y})`}>
          <rect class="label-back" x="-42" y="-11" width="84" height="21" rx="10" />
          <text class="label" text-anchor="middle" y="4">
            {secured ? "🔒︎ " : "⚠ plain "}
            {success === null ? "tcp" : `${rate(rps)}/s`}
          </text>
        </g>
      ) : secured ? null : (
        <text class="label plain" x={middle.x} y={middle.y + 4} text-anchor="middle">
          ⚠
        </text>
      )}
    </g>
  );
}

/** A line that leaves and arrives straight. */
function curve({ start: a, end: b, down }: Way): string {
  const bend = down ? { x: 0, y: (b.y - a.y) / 2 } : { x: (b.x - a.x) / 2, y: 0 };
  return `M${a.x},${a.y} C${a.x + bend.x},${a.y + bend.y} ${b.x - bend.x},${b.y - bend.y} ${b.x},${b.y}`;
}

export function FrameShape({ frame, onFold }: { frame: Frame; onFold: () => void }) {
  return (
    <g class="frame">
      <rect x={frame.x} y={frame.y} width={frame.width} height={frame.height} rx="12" />
      {/* biome-ignore lint/a11y/useSemanticElements: a button can't stand inside a drawing */}
      <text
        x={frame.x + 12}
        y={frame.y + 18}
        role="button"
        tabindex={0}
        aria-expanded="true"
        onClick={onFold}
        onKeyDown={(e) => {
          if (e.key === "Enter") onFold();
        }}
      >
        ▾ {frame.group}
      </text>
    </g>
  );
}

/** Heads of the lines, one for each colour. */
export function Arrows() {
  return (
    <defs>
      {(["good", "poor", "bad", "idle"] as const).map((state) => (
        <marker
          key={state}
          id={`arrow-${state}`}
          class={`arrow ${state}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerUnits="userSpaceOnUse"
          markerWidth="12"
          markerHeight="12"
          orient="auto-start-reverse"
        >
          <path d="M0,0 L8,4 L0,8 z" />
        </marker>
      ))}
    </defs>
  );
}
