/** Something with a size that is to get a place. Units: px. */
export interface Item {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Placed {
  /** Centres by id. */
  readonly at: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly width: number;
  readonly height: number;
}

export interface Spacing {
  /** Between layers, where the lines run. */
  readonly layer: number;
  /** Between neighbours of one layer. */
  readonly next: number;
  /** Layers run downwards instead of to the right. */
  readonly down: boolean;
}

type Links = ReadonlyMap<string, readonly string[]>;

const SWEEPS = 4;
/** Below this width nothing is broken into bands. Units: px. */
const WIDEST_BAND = 1100;

/**
 * Layers from callers to callees, neighbours ordered so that few lines cross; a layer that is too long is folded into several columns.
 * Linear but for the sorting: 200 services take milliseconds. Source: Sugiyama's method, without its last step.
 */
export function placeLayered(
  items: readonly Item[],
  edges: readonly (readonly [string, string])[],
  space: Spacing,
): Placed {
  const ids = new Set(items.map((i) => i.id));
  const known = edges.filter(([a, b]) => a !== b && ids.has(a) && ids.has(b));
  const layers = order(layersOf(items, known), links(known, 0), links(known, 1));
  const along = (i: Item) => (space.down ? i.height : i.width);
  const across = (i: Item) => (space.down ? i.width : i.height);
  const longest = wrapLength(items, along, across, space);
  const columns = layers.flatMap((layer) => fold(layer, across, space.next, longest));
  const bands = space.down ? [columns] : intoBands(columns, layers, along, across, space);
  const at = new Map<string, { x: number; y: number }>();
  let depth = 0;
  let offset = 0;
  for (const band of bands) {
    const lengths = band.map((c) => c.reduce((sum, i) => sum + across(i) + space.next, -space.next));
    const total = Math.max(0, ...lengths);
    let start = 0;
    for (const [n, column] of band.entries()) {
      const thickness = Math.max(...column.map(along));
      let position = offset + (total - (lengths[n] ?? 0)) / 2;
      for (const item of column) {
        const [main, side] = [start + thickness / 2, position + across(item) / 2];
        at.set(item.id, space.down ? { x: side, y: main } : { x: main, y: side });
        position += across(item) + space.next;
      }
      start += thickness;
      depth = Math.max(depth, start);
      start += gapAfter(column, band[n + 1], layers, space);
    }
    offset += total + space.layer / 2;
  }
  const breadth = Math.max(0, offset - space.layer / 2);
  return space.down ? { at, width: breadth, height: depth } : { at, width: depth, height: breadth };
}

/** Columns of one layer have no lines between them. */
function gapAfter(
  column: readonly Item[],
  next: readonly Item[] | undefined,
  layers: readonly (readonly Item[])[],
  space: Spacing,
): number {
  const same = next !== undefined && layers.some((l) => contains(l, column) && contains(l, next));
  return same ? space.next : space.layer;
}

/** A picture that would be a long ribbon is broken like a text. */
function intoBands(
  columns: readonly (readonly Item[])[],
  layers: readonly (readonly Item[])[],
  along: (i: Item) => number,
  across: (i: Item) => number,
  space: Spacing,
): readonly (readonly (readonly Item[])[])[] {
  const area = columns.reduce((sum, column) => {
    const thickness = Math.max(...column.map(along)) + space.layer;
    return sum + thickness * column.reduce((length, i) => length + across(i) + space.next, 0);
  }, 0);
  const widest = Math.max(WIDEST_BAND, Math.sqrt(area) * 1.7);
  const bands: (readonly Item[])[][] = [[]];
  let start = 0;
  for (const [n, column] of columns.entries()) {
    const thickness = Math.max(...column.map(along));
    if (start > 0 && start + thickness > widest) {
      bands.push([]);
      start = 0;
    }
    bands.at(-1)?.push(column);
    start += thickness + gapAfter(column, columns[n + 1], layers, space);
  }
  return bands;
}

const contains = (layer: readonly Item[], part: readonly Item[]) => part[0] !== undefined && layer.includes(part[0]);

/** A column is about as long as the whole is wide. */
function wrapLength(
  items: readonly Item[],
  along: (i: Item) => number,
  across: (i: Item) => number,
  space: Spacing,
): number {
  const area = items.reduce((sum, i) => sum + (along(i) + space.layer) * (across(i) + space.next), 0);
  // Two boxes beside each other fit on a phone.
  return Math.max(space.down ? 360 : 300, Math.sqrt(area) * 0.9, ...items.map(across));
}

function fold(layer: readonly Item[], across: (i: Item) => number, gap: number, longest: number): (readonly Item[])[] {
  const columns: Item[][] = [[]];
  let length = 0;
  for (const item of layer) {
    if (length > 0 && length + across(item) > longest) {
      columns.push([]);
      length = 0;
    }
    columns.at(-1)?.push(item);
    length += across(item) + gap;
  }
  return columns;
}

function links(edges: readonly (readonly [string, string])[], from: 0 | 1): Links {
  const found = new Map<string, string[]>();
  for (const edge of edges) {
    const list = found.get(edge[from]);
    const other = edge[from === 0 ? 1 : 0];
    if (list) list.push(other);
    else found.set(edge[from], [other]);
  }
  return found;
}

/** Layer of an item: one behind the last of its callers; calls that close a circle do not count. */
function layersOf(items: readonly Item[], edges: readonly (readonly [string, string])[]): Item[][] {
  const next = links(edges, 0);
  const called = new Set(edges.map((e) => e[1]));
  const state = new Map<string, "open" | "done">();
  const sorted: string[] = [];
  const forward = new Map<string, string[]>();
  const visit = (id: string): void => {
    state.set(id, "open");
    for (const to of next.get(id) ?? []) {
      if (state.get(to) === "open") continue;
      forward.set(id, [...(forward.get(id) ?? []), to]);
      if (!state.has(to)) visit(to);
    }
    state.set(id, "done");
    sorted.push(id);
  };
  for (const { id } of items) if (!called.has(id) && !state.has(id)) visit(id);
  for (const { id } of items) if (!state.has(id)) visit(id);
  const depth = new Map<string, number>();
  for (const id of sorted.reverse()) {
    const own = depth.get(id) ?? 0;
    for (const to of forward.get(id) ?? []) depth.set(to, Math.max(depth.get(to) ?? 0, own + 1));
  }
  const layers: Item[][] = [];
  for (const item of items) {
    const at = depth.get(item.id) ?? 0;
    while (layers.length <= at) layers.push([]);
    layers[at]?.push(item);
  }
  return layers.filter((l) => l.length > 0);
}

/** Moves each item towards the middle of its neighbours, back and forth. */
function order(layers: readonly (readonly Item[])[], callees: Links, callers: Links): readonly (readonly Item[])[] {
  const rank = new Map<string, number>();
  for (const layer of layers) for (const [i, item] of layer.entries()) rank.set(item.id, i / layer.length);
  let sorted = layers.map((l) => [...l]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const near = sweep % 2 === 0 ? callers : callees;
    const middle = (item: Item) => {
      const others = near.get(item.id) ?? [];
      if (others.length === 0) return rank.get(item.id) ?? 0;
      return others.reduce((sum, id) => sum + (rank.get(id) ?? 0), 0) / others.length;
    };
    sorted = sorted.map((layer) => {
      const moved = layer.map((item) => [middle(item), item] as const).sort((a, b) => a[0] - b[0]);
      for (const [i, [, item]] of moved.entries()) rank.set(item.id, i / moved.length);
      return moved.map(([, item]) => item);
    });
  }
  return sorted;
}
