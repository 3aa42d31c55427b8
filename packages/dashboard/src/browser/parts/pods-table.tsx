import type { PodRow } from "@heddle/viz/contract";
import { duration, millis, rate } from "../format.ts";
import { Cards } from "./cards.tsx";
import { Success } from "./health.tsx";
import { NumCell } from "./number-cells.tsx";

/** Pods with their figures and how long their certificates hold. */
export function PodsTable({ rows }: { rows: readonly PodRow[] }) {
  return (
    <Cards
      caption="Pods"
      heads={[
        "Pod",
        "Address",
        { num: "Success" },
        { num: "Req/s" },
        { num: "P99" },
        { num: "Connections" },
        "Certificate",
      ]}
    >
      {rows.map((pod) => (
        <tr key={pod.name}>
          <th scope="row">{pod.name}</th>
          <td data-label="Address" class="mono">
            {pod.ip}
          </td>
          <NumCell label="Success">
            <Success value={pod.success} />
          </NumCell>
          <NumCell label="Req/s">{rate(pod.rps)}</NumCell>
          <NumCell label="P99">{millis(pod.latencyMsP99)}</NumCell>
          <NumCell label="Connections">{pod.tcpOpenConnections}</NumCell>
          <td class="full" data-label="Certificate">
            {pod.meshed === 0 ? "no proxy" : `valid for ${duration(pod.certificateExpiresInMs)}`}
          </td>
        </tr>
      ))}
    </Cards>
  );
}
