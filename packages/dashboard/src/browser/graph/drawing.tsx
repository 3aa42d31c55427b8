import { useMemo, useState } from "preact/hooks";
import { Chosen } from "./chosen.tsx";
import { type Box, byCluster, byNamespace, drawGraph, type Picture, type Topology, topologyKey } from "./layout.ts";
import { Arrows, BoxShape, FrameShape, WayShape } from "./shapes.tsx";
import { useView } from "./use-view.ts";

/** From here on groups start folded: more boxes can't be read at once. */
const MANY = 60;
/** Labels and moving dashes are for graphs that a reader can take in; in a larger one the chosen box has them. */
const LABELLED_WAYS = 25;
const MOVING_WAYS = 150;
/** Seen from so far away figures can't be read: names grow, what is well steps back. Units: px of the picture. */
const FAR = 2400;

/** The picture with its controls. */
export function Drawing({ graph: whole }: { graph: Topology }) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState("");
  const [grouping, setGrouping] = useState<"namespace" | "cluster">("namespace");
  const [onlyNear, setOnlyNear] = useState<Box | undefined>(undefined);
  const graph = useMemo(() => (onlyNear ? nearOnly(whole, onlyNear) : whole), [whole, onlyNear]);
  const groupOf = grouping === "namespace" ? byNamespace : byCluster(graph.nodes);
  const clusters = new Set(whole.nodes.flatMap((n) => n.clusters)).size;
  const many = graph.nodes.length > MANY;
  const namespaces = [...new Set(graph.nodes.map((n) => groupOf(n.namespace, n.name)))];
  const folded = new Set(namespaces.filter((ns) => many !== toggled.has(ns)));
  const key = topologyKey(graph.nodes, graph.edges, folded, groupOf);
  const narrow = matchMedia("(max-width: 760px)").matches;
  const layout = useMemo(() => drawGraph(graph.nodes, graph.edges, folded, narrow, groupOf), [key, narrow]);
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
  const only = (box: Box | undefined) => {
    setOnlyNear(box);
    setToggled(new Set());
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
          <FrameShape key={f.group} frame={f} onFold={() => toggle(f.group)} />
        ))}
        {picture.ways.map((w) => (
          <WayShape
            key={w.id}
            way={w}
            dimmed={dimmed.has(w.from) || dimmed.has(w.to) || (chosen !== "" && w.from !== chosen && w.to !== chosen)}
            labelled={picture.ways.length <= LABELLED_WAYS || w.from === chosen || w.to === chosen}
            moving={moving || w.from === chosen || w.to === chosen}
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
        {clusters > 1 ? (
          <label>
            <span>Group by</span>
            <select
              value={grouping}
              onChange={(e) => {
                setGrouping(e.currentTarget.value === "cluster" ? "cluster" : "namespace");
                setToggled(new Set());
                setChosen("");
                view.reset();
              }}
            >
              <option value="namespace">namespace</option>
              <option value="cluster">cluster</option>
            </select>
          </label>
        ) : null}
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
          <span class="health bad">✕ over 5 % fail</span> <span>🔒︎ mutual TLS</span> <span>⚠ plain text</span>
        </p>
      </div>
      {onlyNear ? (
        <p class="notice">
          Only {onlyNear.name}, who calls it and whom it calls.{" "}
          <button type="button" onClick={() => only(undefined)}>
            Show all
          </button>
        </p>
      ) : null}
      <div class="graph-box">
        {/* biome-ignore lint/a11y/useSemanticElements: nothing else holds a drawing */}
        <svg
          class={width > FAR ? "graph far" : "graph"}
          viewBox={`${x} ${y} ${width} ${height}`}
          role="group"
          aria-label="Graph of workloads"
          {...view.handlers}
          onKeyDown={(e) => {
            if (e.key === "Escape") setChosen("");
            else view.handlers.onKeyDown(e);
          }}
        >
          {scene}
        </svg>
      </div>
      {box ? (
        <Chosen
          box={box}
          graph={graph}
          onUnfold={() => toggle(box.group)}
          onOnly={onlyNear ? undefined : () => only(box)}
        />
      ) : (
        <p class="muted">Choose a box to see only its neighbours and their figures; a frame's title folds it.</p>
      )}
    </>
  );
}

/** A box, who calls it and whom it calls. */
function nearOnly(graph: Topology, box: Box): Topology {
  const keys = new Set(box.nodes.map((n) => `${n.namespace}/${n.name}`));
  const edges = graph.edges.filter(
    (e) => keys.has(`${e.srcNamespace}/${e.src}`) || keys.has(`${e.dstNamespace}/${e.dst}`),
  );
  const shown = new Set(edges.flatMap((e) => [`${e.srcNamespace}/${e.src}`, `${e.dstNamespace}/${e.dst}`]));
  const nodes = graph.nodes.filter(
    (n) => keys.has(`${n.namespace}/${n.name}`) || shown.has(`${n.namespace}/${n.name}`),
  );
  return { nodes, edges };
}

/** A small graph is not blown up: text keeps about the page's size. */
function wholeOf({ width, height }: Picture, narrow: boolean) {
  const seen = { width: Math.max(width, narrow ? 400 : 1000), height: Math.max(height, 300) };
  return { x: (width - seen.width) / 2, y: (height - seen.height) / 2, ...seen };
}

/** The layout with the newest figures in it. */
function withFigures(picture: Picture, graph: Topology): Picture {
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
