import { createCounters } from "./counters.ts";
import { serveLocalCounters } from "./local-counters.ts";
import { type Env, log, requiredText, runProgram } from "./program.ts";
import { createVoter } from "./voter.ts";

const REPORT_EVERY_MS = 60_000;

/**
 * Votes, with a sweet tooth. Environment: WEB_HOST, REQUEST_RATE (rounds a second, default 1), TTL (seconds until it ends by itself),
 * HOST_OVERRIDE (the Host header), PROM_PORT (counters, on the loopback address only; default 8802, empty: none).
 */
export async function startVoteBot(env: Env, random: () => number = Math.random) {
  const webUrl = `http://${requiredText(env, "WEB_HOST")}`;
  if (!URL.canParse(webUrl)) throw new Error(`WEB_HOST ${env["WEB_HOST"]} is invalid; give host:port`);
  // As in the original, numbers that are none are ignored.
  const rate = Math.max(1, Math.trunc(Number(env["REQUEST_RATE"])) || 1);
  const ttlSeconds = Math.trunc(Number(env["TTL"])) || 0;
  const counters = createCounters();
  const local = await serveLocalCounters(counters, env);
  const voter = createVoter({ webUrl, hostOverride: env["HOST_OVERRIDE"] ?? "", rate, random, counters });
  voter.start();
  const report = setInterval(() => log(`so far: ${voter.summary()}`), REPORT_EVERY_MS);
  const close = async () => {
    clearInterval(report);
    await voter.close();
    log(`ending: ${voter.summary()}`);
    local?.server.close();
  };
  if (ttlSeconds > 0) {
    setTimeout(() => {
      log(`Time to live of ${ttlSeconds} seconds reached, completing`);
      void close().then(() => process.exit(0));
    }, ttlSeconds * 1000);
  }
  return { promPort: local?.port, counters, close };
}

if (import.meta.main) await runProgram(startVoteBot);
