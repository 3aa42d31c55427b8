import type { RoutesAnswer } from "@heddle/viz/contract";
import type { Polled } from "../use-poll.ts";
import { Cards } from "./cards.tsx";
import { GOLDEN, GoldenCells } from "./number-cells.tsx";

/** Requests by route to the Services of a workload, as their callers counted them. */
export function RoutesTable({ polled }: { polled: Polled<RoutesAnswer> }) {
  const rows = polled.data?.rows ?? [];
  if (rows.length === 0) return null;
  return (
    <Cards caption="Routes" heads={["Route", "Service", ...GOLDEN]}>
      {rows.map((row) => (
        <tr key={`${row.namespace}/${row.service}/${row.route}`}>
          <th scope="row" class="mono">
            {row.route}
          </th>
          <td data-label="Service">{row.service}</td>
          <GoldenCells row={row} />
        </tr>
      ))}
    </Cards>
  );
}
