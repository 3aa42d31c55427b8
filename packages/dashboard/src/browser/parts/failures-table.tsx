import type { FailureRow } from "@heddle/viz/contract";
import { Cards } from "./cards.tsx";
import { NumCell } from "./number-cells.tsx";

/** Which hop failed, and how. */
export function FailuresTable({ rows }: { rows: readonly FailureRow[] }) {
  if (rows.length === 0) return null;
  return (
    <Cards caption="Where it breaks, in this window" heads={["Way", "Reason", { num: "Count" }]}>
      {rows.map((f) => (
        <tr key={`${f.src}${f.dst}${f.code}${f.grpcStatus}${f.flags}`} class="bad">
          <th scope="row">
            {f.src} → {f.dst}
          </th>
          <td class="full" data-label="Reason">
            {f.reason}
          </td>
          <NumCell label="Count">{Math.round(f.count)}</NumCell>
        </tr>
      ))}
    </Cards>
  );
}
