import type { Counters } from "./counters.ts";

export interface VoterOptions {
  /** `http://host:port` */
  readonly webUrl: string;
  /** Empty: the URL's host. */
  readonly hostOverride: string;
  /** Rounds a second; each is two requests, a list and a vote. */
  readonly rate: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly counters: Counters;
}

export interface Voter {
  start(): void;
  /** Ends when the requests under way have ended, at most 2 s later. */
  close(): Promise<void>;
  /** What was counted, on one line. */
  summary(): string;
}

const DOUGHNUT = ":doughnut:";
const DOUGHNUT_SHARE = 0.15;
const REQUEST_TIMEOUT_MS = 30_000;
const DRAIN_MS = 2000;
/** More rounds than this under way mean that the web is down; then rounds are left out. */
const MAX_UNDER_WAY = 200;

export function createVoter(options: VoterOptions): Voter {
  const { webUrl, random, counters } = options;
  const headers = {
    "user-agent": "emojivoto-vote-bot",
    ...(options.hostOverride !== "" && { host: options.hostOverride }),
  };
  const totals = { list: 0, vote: 0, failed: 0 };
  const underWay = new Set<Promise<void>>();
  let timer: ReturnType<typeof setInterval> | undefined;

  async function get(kind: "list" | "vote", path: string): Promise<string | undefined> {
    totals[kind]++;
    const told = (code: string) =>
      counters.count("emojivoto_bot_requests_total", "HTTP requests that were sent.", { path: `/api/${kind}`, code });
    try {
      const response = await fetch(webUrl + path, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      // The connection is used again only when its answer was read.
      const body = await response.text();
      told(String(response.status));
      if (response.ok) return body;
      totals.failed++;
    } catch (error) {
      told("error");
      totals.failed++;
      process.stderr.write(`${path}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    return undefined;
  }

  async function round(): Promise<void> {
    const body = await get("list", "/api/list");
    if (body === undefined) return;
    const choices = shortcodes(body);
    const choice = random() < DOUGHNUT_SHARE ? DOUGHNUT : choices[Math.floor(random() * choices.length)];
    if (choice === undefined) return;
    process.stdout.write(`✔ Voting for ${choice}\n`);
    await get("vote", `/api/vote?choice=${choice}`);
  }

  return {
    start() {
      // A clock, not a pause after each round: a slow web doesn't slow the bot down.
      timer = setInterval(() => {
        if (underWay.size >= MAX_UNDER_WAY) return;
        const running = round().finally(() => underWay.delete(running));
        underWay.add(running);
      }, 1000 / options.rate);
    },
    async close() {
      clearInterval(timer);
      await Promise.race([Promise.allSettled(underWay), new Promise((resolve) => setTimeout(resolve, DRAIN_MS))]);
    },
    summary: () => `${totals.list} lists, ${totals.vote} votes, ${totals.failed} failed`,
  };
}

function shortcodes(body: string): readonly string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return [];
  }
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((item: unknown) =>
    typeof item === "object" && item !== null && "shortcode" in item && typeof item.shortcode === "string"
      ? [item.shortcode]
      : [],
  );
}
