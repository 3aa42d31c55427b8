import type { GraphAnswer } from "@heddle/viz/contract";
import { useMemo, useState } from "preact/hooks";
import { clockTime, millis, percent, rate } from "../format.ts";
import { type Box, drawGraph, type Picture, topologyKey } from "../graph/layout.ts";
import { Arrows, BoxShape, boxFigures, FrameShape, WayShape } from "../graph/shapes.tsx";
import { useView } from "../graph/use-view.ts";
import { Notice } from "../parts/notice.tsx";
import { TrafficTable } from "../parts/traffic-table.tsx";
import { hashOf } from "../route.ts";
import { usePoll } from "../use-poll.ts";

/** From here on namespaces start folded: more boxes can't be read at once. */
const MANY = 60;
/** Labels and moving dashes are for graphs that a reader can take in. */
const LABELLED_WAYS = 25;
const MOVING_WAYS = 150;
const STEP_MS = 10_000;

/** Who calls whom. */
export function GraphPage({ windowMs }: { windowMs: string }) {
  const [backMs, setBackMs] = useState(0);
  const [liveMs, setLiveMs] = useState(0);
  const at = backMs === 0 ? undefined : String(liveMs - backMs);
  const polled = usePoll("api/graph", { windowMs, at }, backMs === 0 ? 3000 : 60_000);
  const { data } = polled;
  const history =
    STEP_MS *
    Math.floor(
      Math.min(6 * 3_600_000, Math.max(0, (data?.timeMs ?? 0) + backMs - (data?.sinceMs ?? data?.timeMs ?? 0))) /
        STEP_MS,
    );
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

function Drawing({ graph }: { graph: GraphAnswer }) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState("");
  const many = graph.nodes.length > MANY;
  const namespaces = [...new Set(graph.nodes.map((n) => n.namespace))];
  const folded = new Set(namespaces.filter((ns) => many !== toggled.has(ns)));
  const key = topologyKey(graph.nodes, graph.edges, folded);
  const narrow = matchMedia("(max-width: 760px)").matches;
  const layout = useMemo(() => drawGraph(graph.nodes, graph.edges, folded, narrow), [key, narrow]);
  const picture = withFigures(layout, graph);
  const view = useView(wholeOf(picture, narrow));
  const toggle = (namespace: string) => {
    const next = new Set(toggled);
    if (!next.delete(namespace)) next.add(namespace);
    setToggled(next);
    setChosen("");
    view.reset();
  };
  const foldAll = (fold: boolean) => {
    setToggled(new Set(fold === many ? [] : namespaces));
    setChosen("");
    view.reset();
  };
  const near = neighbours(picture, chosen);
  const dim = (box: Box) =>
    (chosen !== "" && !near.has(box.id)) ||
    (search !== "" && !box.nodes.some((n) => `${n.namespace}/${n.name}`.toLowerCase().includes(search.toLowerCase())));
  const dimmed = new Set(picture.boxes.filter(dim).map((b) => b.id));
  const { x, y, width, height } = view.view;
  const box = picture.boxes.find((b) => b.id === chosen);
  const moving = picture.ways.length <= MOVING_WAYS;
  // Panning changes only what is seen of the scene.
  const scene = useMemo(
    () => (
      <>
        <Arrows />
        {picture.frames.map((f) => (
          <FrameShape key={f.namespace} frame={f} onFold={() => toggle(f.namespace)} />
        ))}
        {picture.ways.map((w) => (
          <WayShape
            key={w.id}
            way={w}
            dimmed={dimmed.has(w.from) || dimmed.has(w.to) || (chosen !== "" && w.from !== chosen && w.to !== chosen)}
            labelled={picture.ways.length <= LABELLED_WAYS || w.from === chosen || w.to === chosen}
            moving={moving}
          />
        ))}
        {picture.boxes.map((b) => (
          <BoxShape
            key={b.id}
            box={b}
            dimmed={dimmed.has(b.id)}
            chosen={b.id === chosen}
            onChoose={() => setChosen(b.id === chosen ? "" : b.id)}
          />
        ))}
      </>
    ),
    [layout, graph, chosen, search],
  );
  return (
    <>
      <div class="controls">
        <label>
          <span>Find</span>
          <input
            type="search"
            value={search}
            placeholder="workload or namespace"
            onInput={(e) => setSearch(e.currentTarget.value)}
          />
        </label>
        <fieldset class="buttons" aria-label="Zoom">
          <button type="button" onClick={() => view.zoom(0.75)} aria-label="zoom in">
            +
          </button>
          <button type="button" onClick={() => view.zoom(1.33)} aria-label="zoom out">
            −
          </button>
          <button type="button" onClick={view.reset}>
            Fit
          </button>
          {namespaces.length > 1 ? (
            <button type="button" onClick={() => foldAll(folded.size === 0)}>
              {folded.size === 0 ? "Fold all" : "Unfold all"}
            </button>
          ) : null}
        </fieldset>
        <p class="legend">
          <span class="health good">✓ good</span> <span class="health poor">! over 1 % fail</span>{" "}
          <span class="health bad">✕ over 5 % fail</span> <span>🔒︎ mutual TLS</span>
        </p>
      </div>
      <div class="graph-box">
        {/* biome-ignore lint/a11y/useSemanticElements: nothing else holds a drawing */}
        <svg
          class="graph"
          viewBox={`${x} ${y} ${width} ${height}`}
          role="group"
          aria-label="Graph of workloads"
          {...view.handlers}
        >
          {scene}
        </svg>
      </div>
      {box ? (
        <Chosen box={box} graph={graph} onUnfold={() => toggle(box.namespace)} />
      ) : (
        <p class="muted">Choose a box to see only its neighbours and their figures; a namespace's title folds it.</p>
      )}
    </>
  );
}

/** A small graph is not blown up: text keeps about the page's size. */
function wholeOf({ width, height }: Picture, narrow: boolean) {
  const seen = { width: Math.max(width, narrow ? 400 : 1000), height: Math.max(height, 300) };
  return { x: (width - seen.width) / 2, y: (height - seen.height) / 2, ...seen };
}

/** The layout with the newest figures in it. */
function withFigures(picture: Picture, graph: GraphAnswer): Picture {
  const nodes = new Map(graph.nodes.map((n) => [`${n.namespace}/${n.name}`, n]));
  const edges = new Map(graph.edges.map((e) => [`${e.srcNamespace}/${e.src}>${e.dstNamespace}/${e.dst}`, e]));
  return {
    ...picture,
    boxes: picture.boxes.map((b) => ({ ...b, nodes: b.nodes.map((n) => nodes.get(`${n.namespace}/${n.name}`) ?? n) })),
    ways: picture.ways.map((w) => ({
      ...w,
      rows: w.rows.map((r) => edges.get(`${r.srcNamespace}/${r.src}>${r.dstNamespace}/${r.dst}`) ?? r),
    })),
  };
}

function neighbours(picture: Picture, chosen: string): ReadonlySet<string> {
  const near = new Set([chosen]);
  for (const way of picture.ways) {
    if (way.from === chosen) near.add(way.to);
    if (way.to === chosen) near.add(way.from);
  }
  return near;
}

function Chosen({ box, graph, onUnfold }: { box: Box; graph: GraphAnswer; onUnfold: () => void }) {
  const [node] = box.nodes;
  const { success, rps } = boxFigures(box);
  const isIn = (namespace: string, name: string) => box.nodes.some((n) => n.namespace === namespace && n.name === name);
  const inbound = graph.edges.filter((e) => isIn(e.dstNamespace, e.dst) && !isIn(e.srcNamespace, e.src));
  const outbound = graph.edges.filter((e) => isIn(e.srcNamespace, e.src) && !isIn(e.dstNamespace, e.dst));
  return (
    <section class="chosen" aria-live="polite">
      <h2>
        {box.name} <small>{box.folded ? `${box.nodes.length} workloads` : box.namespace}</small>
      </h2>
      <p>
        Success {percent(success)}, {rate(rps)} requests/s
        {node && !box.folded ? `, P99 ${millis(node.latencyMsP99)}` : ""}.{" "}
        {box.folded ? (
          <button type="button" onClick={onUnfold}>
            Unfold
          </button>
        ) : (
          <a class="button" href={hashOf("workload", box.namespace, node?.kind ?? "deployment", box.name)}>
            Open {box.name}
          </a>
        )}
      </p>
      <TrafficTable rows={inbound} side="src" caption="Inbound" />
      <TrafficTable rows={outbound} side="dst" caption="Outbound" />
    </section>
  );
}
