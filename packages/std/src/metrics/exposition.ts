import type { CounterFamily, GaugeFamily, HistogramFamily } from "./family.ts";
import type { Counter, Gauge, Histogram } from "./series.ts";

/** `Content-Type` of the text format. */
export const EXPOSITION_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One family in Prometheus' text format; empty when it has no series. Source: Prometheus exposition format 0.0.4. */
export function writeFamily(family: CounterFamily | GaugeFamily | HistogramFamily): string {
  return writeFamilies([family]);
}

/** Families of one name whose labels differ, as one block. */
export function writeFamilies(siblings: readonly (CounterFamily | GaugeFamily | HistogramFamily)[]): string {
  let text = "";
  for (const family of siblings) {
    if (family.size === 0) continue;
    if (text === "") text = `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.kind}\n`;
    for (const entry of family.entries()) {
      const labels = labelText(family.labelNames, entry.labelValues);
      text += isHistogram(entry.series)
        ? writeHistogram(family.name, labels, entry.series)
        : writeSample(family.name, labels, entry.series.value);
    }
  }
  return text;
}

/** One sample line; `labels` is the inside of the braces, or empty. */
export function writeSample(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${formatValue(value)}\n` : `${name}{${labels}} ${formatValue(value)}\n`;
}

/** `a="1",b="x\"y"`, escaped. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  let text = "";
  for (let i = 0; i < names.length; i++) {
    text += `${i === 0 ? "" : ","}${names[i]}="${escapeLabel(values[i] ?? "")}"`;
  }
  return text;
}

function isHistogram(series: Counter | Gauge | Histogram): series is Histogram {
  return "bounds" in series;
}

function writeHistogram(name: string, labels: string, series: Histogram): string {
  const prefix = labels === "" ? "" : `${labels},`;
  let text = "";
  let cumulative = 0;
  for (let i = 0; i < series.bounds.length; i++) {
    cumulative += series.counts[i] ?? 0;
    text += `${name}_bucket{${prefix}le="${formatValue(series.bounds[i] ?? 0)}"} ${cumulative}\n`;
  }
  text += `${name}_bucket{${prefix}le="+Inf"} ${series.count}\n`;
  return text + writeSample(`${name}_sum`, labels, series.sum) + writeSample(`${name}_count`, labels, series.count);
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return /["\\\n]/.test(text) ? escapeHelp(text).replaceAll('"', '\\"') : text;
}
