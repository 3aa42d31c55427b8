import type { OverviewRow } from "@heddle/viz/contract";
import { health } from "../format.ts";
import { hashOf } from "../route.ts";
import { Meshed } from "./health.tsx";
import { GoldenCells, GoldenHeads, NumCell, NumHead } from "./number-cells.tsx";
import { Sparkline } from "./sparkline.tsx";

export function linkOf(row: Pick<OverviewRow, "namespace" | "kind" | "name">): string {
  return row.kind === "namespace"
    ? hashOf("namespace", row.name)
    : hashOf("workload", row.namespace, row.kind, row.name);
}

/** Golden metrics, worst first; on a phone each row becomes a card. */
export function MetricsTable({
  rows,
  caption,
  showNamespace = false,
}: {
  rows: readonly OverviewRow[];
  caption: string;
  showNamespace?: boolean;
}) {
  return (
    <table class="cards">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          {showNamespace ? <th scope="col">Namespace</th> : null}
          <GoldenHeads />
          <NumHead>Connections</NumHead>
          <NumHead>Meshed</NumHead>
          <th scope="col">Last 10 min</th>
        </tr>
      </thead>
      <tbody>
        {[...rows].sort(worstFirst).map((row) => (
          <tr key={`${row.kind}/${row.namespace}/${row.name}`} class={health(row.success)}>
            <th scope="row">
              <a href={linkOf(row)}>{row.name}</a>
              {row.kind !== "deployment" && row.kind !== "namespace" ? <small> {row.kind}</small> : null}
            </th>
            {showNamespace ? (
              <td class="full" data-label="Namespace">
                {row.namespace}
              </td>
            ) : null}
            <GoldenCells row={row} />
            <NumCell label="Connections">{row.meshed === 0 ? "–" : row.tcpOpenConnections}</NumCell>
            <NumCell label="Meshed">
              <Meshed meshed={row.meshed} pods={row.pods} />
            </NumCell>
            <td class="spark-cell">
              <Sparkline spark={row.spark} label={row.name} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const RANK = { bad: 0, poor: 1, good: 2, idle: 3 } as const;

function worstFirst(a: OverviewRow, b: OverviewRow): number {
  const rank = (row: OverviewRow) => (row.meshed === 0 && row.success === null ? 4 : RANK[health(row.success)]);
  return rank(a) - rank(b) || a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name);
}
