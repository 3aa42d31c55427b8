import type { Spark } from "@heddle/viz/contract";
import { rate } from "../format.ts";

const WIDTH = 120;
const HEIGHT = 28;

/** Requests as an area, failures as bars in front of it, both by the same scale. */
export function Sparkline({ spark, label, big = false }: { spark: Spark; label: string; big?: boolean }) {
  const known = spark.rps.flatMap((value, i) => (value === null ? [] : [{ value, i }]));
  const top = Math.max(...known.map(({ value }) => value), 0);
  const newest = spark.rps.at(-1) ?? 0;
  if (top === 0) return <span class="muted">no requests</span>;
  const step = WIDTH / spark.rps.length;
  const y = (value: number) => HEIGHT - 1 - (value / top) * (HEIGHT - 3);
  const [first, last] = [known[0]?.i ?? 0, known.at(-1)?.i ?? 0];
  // Up to the edges of the outer steps: one step alone is seen, too.
  const at = (x: number, value: number) => `${x.toFixed(1)},${y(value).toFixed(1)}`;
  const [left, right] = [first * step, (last + 1) * step];
  const line = [
    at(left, spark.rps[first] ?? 0),
    ...known.map(({ value, i }) => at((i + 0.5) * step, value)),
    at(right, newest),
  ].join(" ");
  return (
    <svg
      class={big ? "spark big" : "spark"}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: requests per second up to ${rate(top)}, now ${rate(newest)}`}
    >
      <polygon class="spark-area" points={`${left},${HEIGHT} ${line} ${right},${HEIGHT}`} />
      <polyline class="spark-line" points={line} />
      {spark.success.map((success, i) => {
        const failed = (spark.rps[i] ?? 0) * (1 - (success ?? 1));
        if (failed <= 0) return null;
        return (
          <rect
            key={i}
            class="spark-fail"
            x={i * step + step * 0.15}
            width={step * 0.7}
            y={y(failed)}
            height={HEIGHT - y(failed)}
          />
        );
      })}
    </svg>
  );
}
