import { EXPOSITION_CONTENT_TYPE } from "@heddle/std";
import type { EnvoyStat } from "../telemetry/envoy-stats.ts";
import { jsonAnswer, textAnswer } from "./answer.ts";
import { pageFilter } from "./page-filter.ts";

/** Prometheus text. */
export function prometheusAnswer(body: string): Response {
  return new Response(body, { headers: { "content-type": EXPOSITION_CONTENT_TYPE } });
}

/** `/stats?filter=REGEX&format=text|json|prometheus&usedonly`. Source: Envoy's admin interface. */
export async function statsPage(
  all: () => Promise<readonly EnvoyStat[]>,
  metrics: () => Promise<string>,
  url: URL,
): Promise<Response> {
  const { searchParams } = url;
  const format = searchParams.get("format") ?? "text";
  if (format === "prometheus") return prometheusAnswer(await metrics());
  if (format !== "text" && format !== "json") return textAnswer("usage: /stats?format=(json|prometheus|text)\n", 400);
  const filter = pageFilter(searchParams.get("filter"));
  if (!filter.ok) return textAnswer(filter.error, 400);
  const usedOnly = searchParams.has("usedonly");
  const stats = [...(await all())]
    .filter((stat) => filter.value(stat.name) && (!usedOnly || stat.value !== 0))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (format === "json") return jsonAnswer({ stats: stats.map(({ name, value }) => ({ name, value })) });
  return textAnswer(stats.map(({ name, value }) => `${name}: ${value}\n`).join(""));
}
