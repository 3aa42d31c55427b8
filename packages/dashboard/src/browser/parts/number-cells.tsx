import type { ComponentChildren } from "preact";
import { millis, rate } from "../format.ts";
import type { Head } from "./cards.tsx";
import { Success } from "./health.tsx";

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

export const LATENCIES: readonly Head[] = [{ num: "P50" }, { num: "P95" }, { num: "P99" }];

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
export const GOLDEN: readonly Head[] = [{ num: "Success" }, { num: "Req/s" }, ...LATENCIES];

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
