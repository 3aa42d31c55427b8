import type { GraphNode, TrafficRow } from "@heddle/viz/contract";
import { type Item, placeLayered } from "./layered.ts";

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
/** Room for a frame's title. */
const TITLE = 14;

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
  const ways = group(
    edges.filter((e) => idOf(e.srcNamespace, e.src) !== idOf(e.dstNamespace, e.dst)),
    (e) => `${idOf(e.srcNamespace, e.src)}\n${idOf(e.dstNamespace, e.dst)}`,
  );
  const lines = [...ways.keys()].map((key): [string, string] => {
    const [from = "", to = ""] = key.split("\n");
    return [from, to];
  });
  const inside = { layer: narrow ? 64 : 120, next: 18, down: narrow };
  const blocks = [...group(nodes, (n) => n.namespace)].map(([namespace, members]) => {
    const items = folded.has(namespace)
      ? [{ id: `ns:${namespace}`, width: widthOf(namespace), height: HEIGHT }]
      : members.map((n) => ({ id: `w:${namespace}/${n.name}`, width: widthOf(n.name), height: HEIGHT }));
    const placed = placeLayered(items, lines, inside);
    const frame = folded.has(namespace) ? 0 : FRAME;
    return { namespace, members, items, placed, frame };
  });
  const outer: Item[] = blocks.map(({ namespace, placed, frame }) => ({
    id: namespace,
    width: placed.width + 2 * frame,
    height: placed.height + 2 * frame + (frame > 0 ? TITLE : 0),
  }));
  const between = edges.map((e): [string, string] => [e.srcNamespace, e.dstNamespace]);
  const whole = placeLayered(outer, between, { layer: narrow ? 50 : 110, next: 24, down: narrow });
  const boxes: Box[] = [];
  const frames: Frame[] = [];
  for (const [i, { namespace, members, items, placed, frame }] of blocks.entries()) {
    const { width, height } = outer[i] ?? { width: 0, height: 0 };
    const centre = whole.at.get(namespace) ?? { x: 0, y: 0 };
    const left = MARGIN + centre.x - width / 2;
    const top = MARGIN + centre.y - height / 2;
    if (frame > 0) frames.push({ namespace, x: left, y: top, width, height });
    for (const item of items) {
      const at = placed.at.get(item.id) ?? { x: 0, y: 0 };
      const node = members.find((n) => `w:${namespace}/${n.name}` === item.id);
      boxes.push({
        ...item,
        namespace,
        name: node?.name ?? namespace,
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
    return a && b ? [{ id: key, from, to, rows, ...ends(a, b, narrow) }] : [];
  });
  return { boxes, ways: drawn, frames, width: whole.width + 2 * MARGIN, height: whole.height + 2 * MARGIN };
}

/** A line leaves a box on the side of the other one. */
function ends(a: Box, b: Box, down: boolean): Pick<Way, "start" | "end" | "down"> {
  if (down) {
    const sign = b.y >= a.y ? 1 : -1;
    return { start: { x: a.x, y: a.y + (sign * a.height) / 2 }, end: { x: b.x, y: b.y - (sign * b.height) / 2 }, down };
  }
  const sign = b.x >= a.x ? 1 : -1;
  return { start: { x: a.x + (sign * a.width) / 2, y: a.y }, end: { x: b.x - (sign * b.width) / 2, y: b.y }, down };
}

function widthOf(name: string): number {
  return Math.min(230, Math.max(168, 30 + name.length * 8));
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
