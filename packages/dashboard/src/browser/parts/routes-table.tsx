import type { RoutesAnswer } from "@heddle/viz/contract";
import { millis, rate } from "../format.ts";
import type { Polled } from "../use-poll.ts";
import { Success } from "./health.tsx";

/** Requests by route to the Services of a workload, as their callers counted them. */
export function RoutesTable({ polled }: { polled: Polled<RoutesAnswer> }) {
  const rows = polled.data?.rows ?? [];
  if (rows.length === 0) return null;
  return (
    <table class="cards">
      <caption>Routes</caption>
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">Service</th>
          <th scope="col" class="num">
            Success
          </th>
          <th scope="col" class="num">
            Req/s
          </th>
          <th scope="col" class="num">
            P50
          </th>
          <th scope="col" class="num">
            P95
          </th>
          <th scope="col" class="num">
            P99
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.namespace}/${row.service}/${row.route}`}>
            <th scope="row" class="mono">
              {row.route}
            </th>
            <td data-label="Service">{row.service}</td>
            <td class="num" data-label="Success">
              <Success value={row.success} />
            </td>
            <td class="num" data-label="Req/s">
              {rate(row.rps)}
            </td>
            <td class="num" data-label="P50">
              {millis(row.latencyMsP50)}
            </td>
            <td class="num" data-label="P95">
              {millis(row.latencyMsP95)}
            </td>
            <td class="num" data-label="P99">
              {millis(row.latencyMsP99)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
