import { numberFrom, required } from "./environment.ts";

/** Votes as the published bot: at a fixed rate, the list first, then a vote; 15 of 100 for the doughnut, else any emoji of the list. */
const DOUGHNUT_SHARE = 0.15;

const host = required("WEB_HOST");
const rate = numberFrom("REQUEST_RATE", 1) || 1;
const ttlSeconds = numberFrom("TTL", 0);
const hostOverride = process.env["HOST_OVERRIDE"];
const headers: Record<string, string> = hostOverride ? { host: hostOverride } : {};
const counted = { list: 0, votes: 0, failed: 0, unanswered: 0 };

async function get(path: string): Promise<Response | undefined> {
  try {
    return await fetch(`http://${host}${path}`, { headers, signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    counted.unanswered++;
    console.log(`✘ http://${host}${path}: ${error instanceof Error ? error.message : "no answer"}`);
    return undefined;
  }
}

function choose(list: readonly { readonly shortcode: string }[]): string {
  if (Math.random() < DOUGHNUT_SHARE) return ":doughnut:";
  return list[Math.floor(Math.random() * list.length)]?.shortcode ?? ":doughnut:";
}

async function round(): Promise<void> {
  const response = await get("/api/list");
  if (!response) return;
  counted.list++;
  const text = await response.text();
  if (!response.ok) return console.log(`✘ /api/list: ${response.status} ${text}`);
  const choice = choose(JSON.parse(text));
  const vote = await get(`/api/vote?choice=${choice}`);
  if (!vote) return;
  await vote.arrayBuffer();
  counted.votes++;
  if (!vote.ok) counted.failed++;
  console.log(`${vote.ok ? "✔" : "✘"} http://${host}/api/vote?choice=${choice} ${vote.status}`);
}

function stop(): void {
  console.log(`counted ${JSON.stringify(counted)}`);
  process.exit(0);
}

process.once("SIGTERM", stop);
process.once("SIGINT", stop);
if (ttlSeconds > 0) setTimeout(stop, ttlSeconds * 1000);
setInterval(() => void round(), 1000 / rate);
