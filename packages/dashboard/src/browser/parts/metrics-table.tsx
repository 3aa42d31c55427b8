import type { OverviewRow } from "@heddle/viz/contract";
import { health } from "../format.ts";
import { hashOf } from "../route.ts";
import { Cards } from "./cards.tsx";
import { Meshed } from "./health.tsx";
import { GOLDEN, GoldenCells, NumCell } from "./number-cells.tsx";
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
    <Cards
      caption={caption}
      heads={[
        "Name",
        ...(showNamespace ? ["Namespace"] : []),
        ...GOLDEN,
        { num: "Connections" },
        { num: "Meshed" },
        "Last 10 min",
      ]}
    >
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
    </Cards>
  );
}

const RANK = { bad: 0, poor: 1, good: 2, idle: 3 } as const;

function worstFirst(a: OverviewRow, b: OverviewRow): number {
  const rank = (row: OverviewRow) => (row.meshed === 0 && row.success === null ? 4 : RANK[health(row.success)]);
  return rank(a) - rank(b) || a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name);
}
