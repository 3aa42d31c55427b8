import type { TrafficRow } from "@heddle/viz/contract";
import { millis, rate } from "../format.ts";
import { hashOf } from "../route.ts";
import { Cards } from "./cards.tsx";
import { Secured, Success } from "./health.tsx";
import { NumCell } from "./number-cells.tsx";

/** Ways from or to a workload. */
export function TrafficTable({
  rows,
  side,
  caption,
  bothEnds = false,
}: {
  rows: readonly TrafficRow[];
  /** Which end is the other one. */
  side: "src" | "dst";
  caption: string;
  /** Name the near end, too, where it is not always the same. */
  bothEnds?: boolean;
}) {
  if (rows.length === 0)
    return (
      <section>
        <h2>{caption}</h2>
        <p class="muted">Nothing in this window.</p>
      </section>
    );
  return (
    <Cards
      caption={caption}
      heads={[
        side === "src" ? "From" : "To",
        { num: "Success" },
        { num: "Req/s" },
        { num: "P50" },
        { num: "P99" },
        "Secured",
        "Identity",
      ]}
    >
      {rows.map((row) => {
        const [name, namespace] = side === "src" ? [row.src, row.srcNamespace] : [row.dst, row.dstNamespace];
        const [identities, clusters] =
          side === "src" ? [row.clientIds, row.srcClusters] : [row.serverIds, row.dstClusters];
        return (
          <tr key={`${row.srcNamespace}/${row.src}>${row.dstNamespace}/${row.dst}`}>
            <th scope="row">
              <a href={hashOf("workload", namespace, "deployment", name)}>{name}</a>{" "}
              {bothEnds ? `${side === "src" ? `→ ${row.dst}` : `← ${row.src}`} ` : ""}
              <small>{[namespace, ...(clusters.length > 1 ? clusters : [])].join(" · ")}</small>
            </th>
            <NumCell label="Success">
              <Success value={row.success} />
            </NumCell>
            <NumCell label="Req/s">{row.requests > 0 ? rate(row.rps) : "TCP"}</NumCell>
            <NumCell label="P50">{millis(row.latencyMsP50)}</NumCell>
            <NumCell label="P99">{millis(row.latencyMsP99)}</NumCell>
            <td class="full" data-label="Secured">
              <Secured secured={row.secured} reason={row.noTlsReason} />
            </td>
            <td data-label="Identity" class="mono">
              <div>
                {identities.length === 0
                  ? "–"
                  : identities.map((id) => <div key={id}>{id.replace("spiffe://", "")}</div>)}
              </div>
            </td>
          </tr>
        );
      })}
    </Cards>
  );
}
