import { expect, test } from "bun:test";
import { manyServices } from "../../../test/many-services.ts";
import { byCluster, drawGraph, topologyKey } from "./layout.ts";

const graph = manyServices(200);
const namespaces = [...new Set(graph.nodes.map((n) => n.namespace))];

for (const [title, folded] of [
  ["all folded", namespaces],
  ["half folded", namespaces.slice(5)],
  ["open", []],
] as const) {
  test(`200 services, ${title}: no box lies on another, every box in its frame, no ribbon`, () => {
    const { boxes, frames, ways, width, height } = drawGraph(graph.nodes, graph.edges, new Set(folded));
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1))
        expect(Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2).toBe(
          true,
        );
    for (const box of boxes.filter((b) => !b.folded)) {
      const frame = frames.find((f) => f.group === box.group);
      expect(frame && box.x - box.width / 2 >= frame.x && box.x + box.width / 2 <= frame.x + frame.width).toBe(true);
      expect(frame && box.y - box.height / 2 >= frame.y && box.y + box.height / 2 <= frame.y + frame.height).toBe(true);
    }
    expect(ways.length).toBeGreaterThan(0);
    expect(width / height).toBeLessThan(6);
  });
}

test("callers stand left of callees, on a narrow screen above; circles do not matter", () => {
  const { nodes, edges } = manyServices(3);
  const [first] = edges;
  const back = first
    ? [{ ...first, src: first.dst, srcNamespace: first.dstNamespace, dst: first.src, dstNamespace: first.srcNamespace }]
    : [];
  const one = nodes.map((n) => ({ ...n, namespace: "x" }));
  const ways = [...edges, ...back].map((e) => ({ ...e, srcNamespace: "x", dstNamespace: "x" }));
  const of = (narrow: boolean) => {
    const { boxes } = drawGraph(one, ways, new Set(), narrow);
    const at = (name: string) => boxes.find((b) => b.name === name) ?? { x: Number.NaN, y: Number.NaN };
    return [at("service-0"), at("service-1")] as const;
  };
  const [a, b] = of(false);
  expect(a.x).toBeLessThan(b.x);
  const [c, d] = of(true);
  expect(c.y).toBeLessThan(d.y);
});

test("by cluster: a frame for each, and one for what runs in both", () => {
  const nodes = manyServices(6).nodes.map((n, i) => ({
    ...n,
    clusters: [["east"], ["west"], ["east", "west"]][i % 3] ?? [],
  }));
  const { frames, boxes } = drawGraph(nodes, [], new Set(), false, byCluster(nodes));
  expect(frames.map((f) => f.group).sort()).toEqual(["east", "east + west", "west"]);
  expect(boxes.map((b) => b.name).sort()).toEqual(nodes.map((n) => n.name).sort());
  const folded = drawGraph(nodes, [], new Set(["west"]), false, byCluster(nodes));
  expect(folded.boxes.find((b) => b.folded)?.nodes).toHaveLength(2);
});

test("figures do not move the picture", () => {
  const later = { ...graph, nodes: graph.nodes.map((n) => ({ ...n, rps: 1 })) };
  const key = topologyKey(graph.nodes, graph.edges, new Set());
  expect(topologyKey(later.nodes, later.edges, new Set())).toBe(key);
});
