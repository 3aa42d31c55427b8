import { millis, percent, rate } from "../format.ts";
import { TrafficTable } from "../parts/traffic-table.tsx";
import { hashOf } from "../route.ts";
import type { Box, Topology } from "./layout.ts";
import { boxFigures } from "./shapes.tsx";

/** What stands below the drawing once a box is chosen. */
export function Chosen({
  box,
  graph,
  onUnfold,
  onOnly,
}: {
  box: Box;
  graph: Topology;
  onUnfold: () => void;
  /** Undefined where the picture has nothing else. */
  onOnly: (() => void) | undefined;
}) {
  const [node] = box.nodes;
  const { success, rps } = boxFigures(box);
  const isIn = (namespace: string, name: string) => box.nodes.some((n) => n.namespace === namespace && n.name === name);
  const inbound = graph.edges.filter((e) => isIn(e.dstNamespace, e.dst) && !isIn(e.srcNamespace, e.src));
  const outbound = graph.edges.filter((e) => isIn(e.srcNamespace, e.src) && !isIn(e.dstNamespace, e.dst));
  return (
    <section class="chosen" aria-live="polite">
      <h2>
        {box.name} <small>{box.folded ? `${box.nodes.length} workloads` : node?.namespace}</small>
      </h2>
      <p>
        Success {percent(success)}, {rate(rps)} requests/s
        {node && !box.folded ? `, P99 ${millis(node.latencyMsP99)}` : ""}.{" "}
        {box.folded ? (
          <button type="button" onClick={onUnfold}>
            Unfold
          </button>
        ) : (
          <a class="button" href={hashOf("workload", node?.namespace ?? "", node?.kind ?? "deployment", box.name)}>
            Open {box.name}
          </a>
        )}{" "}
        {onOnly ? (
          <button type="button" onClick={onOnly}>
            Show only its neighbours
          </button>
        ) : null}
      </p>
      <TrafficTable rows={inbound} side="src" caption="Inbound" />
      <TrafficTable rows={outbound} side="dst" caption="Outbound" />
    </section>
  );
}
