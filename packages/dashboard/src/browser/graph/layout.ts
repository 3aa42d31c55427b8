import { Graph, layout } from "@dagrejs/dagre";
import type { GraphNode, TrafficRow } from "@heddle/viz/contract";

/** A box of the picture: a workload, or a namespace that is folded to one. Units: px of the picture. */
export interface Box {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** What it stands for; several where a namespace is folded. */
  readonly nodes: readonly GraphNode[];
  readonly folded: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Way {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly rows: readonly TrafficRow[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Frame {
  readonly namespace: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Picture {
  readonly boxes: readonly Box[];
  readonly ways: readonly Way[];
  readonly frames: readonly Frame[];
  readonly width: number;
  readonly height: number;
}

const HEIGHT = 54;
const MARGIN = 24;
const FRAME = 18;

/** What the layout depends on: figures change every second, the picture only with the topology. */
export function topologyKey(
  nodes: readonly GraphNode[],
  edges: readonly TrafficRow[],
  folded: ReadonlySet<string>,
): string {
  const names = nodes.map((n) => `${n.namespace}/${n.name}`).sort();
  const ways = edges.map((e) => `${e.srcNamespace}/${e.src}>${e.dstNamespace}/${e.dst}`).sort();
  return [...names, ...ways, ...[...folded].sort()].join("\n");
}

/** Callers left, callees right (on a narrow screen above and below); each namespace in a frame of its own, folded ones as one box. */
export function drawGraph(
  nodes: readonly GraphNode[],
  edges: readonly TrafficRow[],
  folded: ReadonlySet<string>,
  narrow = false,
): Picture {
  const idOf = (namespace: string, name: string) =>
    folded.has(namespace) ? `ns:${namespace}` : `w:${namespace}/${name}`;
  const groups = group(nodes, (n) => idOf(n.namespace, n.name));
  const ways = group(
    edges.filter((e) => idOf(e.srcNamespace, e.src) !== idOf(e.dstNamespace, e.dst)),
    (e) => `${idOf(e.srcNamespace, e.src)}\n${idOf(e.dstNamespace, e.dst)}`,
  );
  const graph = new Graph({ compound: true, multigraph: false });
  graph.setGraph({
    rankdir: narrow ? "TB" : "LR",
    nodesep: 18,
    ranksep: narrow ? 70 : 130,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const framed = new Set(nodes.map((n) => n.namespace).filter((ns) => !folded.has(ns)));
  for (const namespace of framed) graph.setNode(`f:${namespace}`, {});
  for (const [id, members] of groups) {
    const [first] = members;
    if (!first) continue;
    const name = id.startsWith("ns:") ? first.namespace : first.name;
    graph.setNode(id, { width: widthOf(name), height: HEIGHT });
    if (!id.startsWith("ns:")) graph.setParent(id, `f:${first.namespace}`);
  }
  for (const key of ways.keys()) {
    const [from = "", to = ""] = key.split("\n");
    graph.setEdge(from, to);
  }
  layout(graph);
  const boxes = [...groups].map(([id, members]): Box => {
    const { x, y, width, height } = graph.node(id);
    const [first] = members;
    const isFolded = id.startsWith("ns:");
    const namespace = first?.namespace ?? "";
    return {
      id,
      namespace,
      name: isFolded ? namespace : (first?.name ?? ""),
      nodes: members,
      folded: isFolded,
      x,
      y,
      width,
      height,
    };
  });
  const frames = [...framed].map((namespace) => frameOf(namespace, boxes));
  const drawn = [...ways].map(([key, rows]): Way => {
    const [from = "", to = ""] = key.split("\n");
    return { id: key, from, to, rows, points: graph.edge(from, to)?.points ?? [] };
  });
  const right = Math.max(200, ...boxes.map((b) => b.x + b.width / 2), ...frames.map((f) => f.x + f.width));
  const bottom = Math.max(120, ...boxes.map((b) => b.y + b.height / 2), ...frames.map((f) => f.y + f.height));
  return { boxes, ways: drawn, frames, width: right + MARGIN, height: bottom + MARGIN };
}

function widthOf(name: string): number {
  return Math.min(230, Math.max(168, 30 + name.length * 8));
}

function frameOf(namespace: string, boxes: readonly Box[]): Frame {
  const own = boxes.filter((b) => b.namespace === namespace && !b.folded);
  const left = Math.min(...own.map((b) => b.x - b.width / 2)) - FRAME;
  const top = Math.min(...own.map((b) => b.y - b.height / 2)) - FRAME - 12;
  const right = Math.max(...own.map((b) => b.x + b.width / 2)) + FRAME;
  const bottom = Math.max(...own.map((b) => b.y + b.height / 2)) + FRAME;
  return { namespace, x: left, y: top, width: right - left, height: bottom - top };
}

function group<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const list = found.get(keyOf(item));
    if (list) list.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}
