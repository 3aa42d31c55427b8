import type { GraphAnswer, GraphNode, TrafficRow } from "@heddle/viz/contract";
import { type Item, placeLayered } from "./layered.ts";

/** What is drawn: the whole mesh or a part of it. */
export type Topology = Pick<GraphAnswer, "nodes" | "edges">;

/** A box of the picture: a workload, or a group that is folded to one. Units: px of the picture. */
export interface Box {
  readonly id: string;
  /** Frame that it stands in: its namespace, or its cluster. */
  readonly group: string;
  readonly name: string;
  /** What it stands for; several where a group is folded. */
  readonly nodes: readonly GraphNode[];
  readonly folded: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Way {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly rows: readonly TrafficRow[];
  readonly start: Point;
  readonly end: Point;
  /** Whether it runs downwards rather than to the right. */
  readonly down: boolean;
}

export interface Frame {
  readonly group: string;
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
/** Room for a frame's title. */
const TITLE = 14;

/** Frame that a workload stands in. */
export type GroupOf = (namespace: string, name: string) => string;

export const byNamespace: GroupOf = (namespace) => namespace;

/** By cluster; what runs in several stands in a frame of its own. */
export function byCluster(nodes: readonly GraphNode[]): GroupOf {
  const clusters = new Map(nodes.map((n) => [`${n.namespace}/${n.name}`, n.clusters.join(" + ")]));
  return (namespace, name) => clusters.get(`${namespace}/${name}`) || "cluster not known";
}

/** What the layout depends on: figures change every second, the picture only with the topology. */
export function topologyKey(
  nodes: readonly GraphNode[],
  edges: readonly TrafficRow[],
  folded: ReadonlySet<string>,
  groupOf: GroupOf = byNamespace,
): string {
  const names = nodes.map((n) => `${groupOf(n.namespace, n.name)}:${n.namespace}/${n.name}`).sort();
  const ways = edges.map((e) => `${e.srcNamespace}/${e.src}>${e.dstNamespace}/${e.dst}`).sort();
  return [...names, ...ways, ...[...folded].sort()].join("\n");
}

/** Callers left, callees right (on a narrow screen above and below); each group in a frame of its own, folded ones as one box. */
export function drawGraph(
  nodes: readonly GraphNode[],
  edges: readonly TrafficRow[],
  folded: ReadonlySet<string>,
  narrow = false,
  groupOf: GroupOf = byNamespace,
): Picture {
  const idOf = (namespace: string, name: string) => {
    const group = groupOf(namespace, name);
    return folded.has(group) ? `ns:${group}` : `w:${namespace}/${name}`;
  };
  const ways = collect(
    edges.filter((e) => idOf(e.srcNamespace, e.src) !== idOf(e.dstNamespace, e.dst)),
    (e) => `${idOf(e.srcNamespace, e.src)}\n${idOf(e.dstNamespace, e.dst)}`,
  );
  const lines = [...ways.keys()].map((key): [string, string] => {
    const [from = "", to = ""] = key.split("\n");
    return [from, to];
  });
  const inside = { layer: narrow ? 64 : 120, next: 18, down: narrow };
  const blocks = [...collect(nodes, (n) => groupOf(n.namespace, n.name))].map(([group, members]) => {
    const items = folded.has(group)
      ? [{ id: `ns:${group}`, width: widthOf(group), height: HEIGHT }]
      : members.map((n) => ({ id: `w:${n.namespace}/${n.name}`, width: widthOf(n.name), height: HEIGHT }));
    const placed = placeLayered(items, lines, inside);
    const frame = folded.has(group) ? 0 : FRAME;
    return { group, members, items, placed, frame };
  });
  const outer: Item[] = blocks.map(({ group, placed, frame }) => ({
    id: group,
    width: placed.width + 2 * frame,
    height: placed.height + 2 * frame + (frame > 0 ? TITLE : 0),
  }));
  const between = edges.map((e): [string, string] => [groupOf(e.srcNamespace, e.src), groupOf(e.dstNamespace, e.dst)]);
  const whole = placeLayered(outer, between, { layer: narrow ? 50 : 110, next: 24, down: narrow });
  const boxes: Box[] = [];
  const frames: Frame[] = [];
  for (const [i, { group, members, items, placed, frame }] of blocks.entries()) {
    const { width, height } = outer[i] ?? { width: 0, height: 0 };
    const centre = whole.at.get(group) ?? { x: 0, y: 0 };
    const left = MARGIN + centre.x - width / 2;
    const top = MARGIN + centre.y - height / 2;
    if (frame > 0) frames.push({ group, x: left, y: top, width, height });
    for (const item of items) {
      const at = placed.at.get(item.id) ?? { x: 0, y: 0 };
      const node = members.find((n) => `w:${n.namespace}/${n.name}` === item.id);
      boxes.push({
        ...item,
        group,
        name: node?.name ?? group,
        nodes: node ? [node] : members,
        folded: node === undefined,
        x: left + frame + at.x,
        y: top + frame + (frame > 0 ? TITLE : 0) + at.y,
      });
    }
  }
  const byId = new Map(boxes.map((b) => [b.id, b]));
  const drawn = [...ways].flatMap(([key, rows], i): Way[] => {
    const [from = "", to = ""] = lines[i] ?? [];
    const [a, b] = [byId.get(from), byId.get(to)];
    return a && b ? [{ id: key, from, to, rows, ...ends(a, b, narrow, ways.has(`${to}\n${from}`)) }] : [];
  });
  return { boxes, ways: drawn, frames, width: whole.width + 2 * MARGIN, height: whole.height + 2 * MARGIN };
}

/** A line leaves a box on the side of the other one. */
/** Ways there and back stand side by side. Units: px. */
const APART = 13;

function ends(a: Box, b: Box, down: boolean, back: boolean): Pick<Way, "start" | "end" | "down"> {
  if (down) {
    const sign = b.y >= a.y ? 1 : -1;
    const aside = back ? sign * 2 * APART : 0;
    return {
      start: { x: a.x + aside, y: a.y + (sign * a.height) / 2 },
      end: { x: b.x + aside, y: b.y - (sign * b.height) / 2 },
      down,
    };
  }
  const sign = b.x >= a.x ? 1 : -1;
  const aside = back ? -sign * APART : 0;
  return {
    start: { x: a.x + (sign * a.width) / 2, y: a.y + aside },
    end: { x: b.x - (sign * b.width) / 2, y: b.y + aside },
    down,
  };
}

function widthOf(name: string): number {
  return Math.min(230, Math.max(168, 32 + name.length * 8.5));
}

function collect<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const list = found.get(keyOf(item));
    if (list) list.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}
