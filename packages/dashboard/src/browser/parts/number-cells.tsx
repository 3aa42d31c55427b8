import type { ComponentChildren } from "preact";
import { millis, rate } from "../format.ts";
import { Success } from "./health.tsx";

/** Head of a column of numbers. */
export function NumHead({ children }: { children: ComponentChildren }) {
  return (
    <th scope="col" class="num">
      {children}
    </th>
  );
}

/** A number under its head; on a phone, where rows are cards, `label` stands before it and `full` gives it a line of its own. */
export function NumCell({
  label,
  full = false,
  children,
}: {
  label: string;
  full?: boolean;
  children: ComponentChildren;
}) {
  return (
    <td class={full ? "num full" : "num"} data-label={label}>
      {children}
    </td>
  );
}

interface Latencies {
  readonly latencyMsP50: number | null;
  readonly latencyMsP95: number | null;
  readonly latencyMsP99: number | null;
}

export function LatencyHeads() {
  return (
    <>
      <NumHead>P50</NumHead>
      <NumHead>P95</NumHead>
      <NumHead>P99</NumHead>
    </>
  );
}

export function LatencyCells({ row }: { row: Latencies }) {
  return (
    <>
      <NumCell label="P50">{millis(row.latencyMsP50)}</NumCell>
      <NumCell label="P95">{millis(row.latencyMsP95)}</NumCell>
      <NumCell label="P99">{millis(row.latencyMsP99)}</NumCell>
    </>
  );
}

/** Success rate, rate and latencies: the same five columns wherever traffic is shown. */
export function GoldenHeads() {
  return (
    <>
      <NumHead>Success</NumHead>
      <NumHead>Req/s</NumHead>
      <LatencyHeads />
    </>
  );
}

export function GoldenCells({
  row,
}: {
  row: Latencies & { readonly success: number | null; readonly rps: number | null };
}) {
  return (
    <>
      <NumCell label="Success">
        <Success value={row.success} />
      </NumCell>
      <NumCell label="Req/s">{rate(row.rps)}</NumCell>
      <LatencyCells row={row} />
    </>
  );
}
