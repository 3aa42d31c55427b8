import { type Env, log, portOf, requiredText, runProgram } from "./program.ts";
import { createRpcServer, RpcFailure } from "./rpc-server.ts";
import { RESULTS, VOTES, VOTING_SERVICE_NAME } from "./services.ts";

const DOUGHNUT = ":doughnut:";

/**
 * Counts votes. Environment: GRPC_PORT, PROM_PORT, ARTIFICIAL_DELAY (before each vote), FAILURE_RATE (0 to 1: how often a vote for the
 * doughnut fails; default: always, as in v11 of the original).
 */
export async function startVotingService(env: Env, random: () => number = Math.random) {
  const promPort = env["PROM_PORT"];
  const server = createRpcServer(VOTING_SERVICE_NAME, {
    grpcPort: portOf("GRPC_PORT", requiredText(env, "GRPC_PORT")),
    promPort: promPort === undefined || promPort === "" ? undefined : portOf("PROM_PORT", promPort),
  });
  const failureRate = failureRateOf(env["FAILURE_RATE"]);
  const delayMs = await delayOf(env["ARTIFICIAL_DELAY"]);
  log(`Using failureRate [${failureRate}] for the doughnut and artificialDelayDuration [${delayMs}ms]`);
  const votes = new Map<string, number>();
  for (const [shortcode, method] of VOTES) {
    server.handle(method, async () => {
      if (shortcode === DOUGHNUT && random() < failureRate) {
        log("logging an error for doughnut");
        throw new RpcFailure("ERROR");
      }
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      const total = (votes.get(shortcode) ?? 0) + 1;
      votes.set(shortcode, total);
      server.counters.count("emojivoto_votes_total", "Number of emoji votes", { emoji: shortcode });
      log(`Voted for [${shortcode}], which now has a total of [${total}] votes`);
      return {};
    });
  }
  server.handle(RESULTS, () =>
    [...votes].map(([shortcode, count]) => ({ shortcode, votes: count })).toSorted((a, b) => b.votes - a.votes),
  );
  const ports = await server.start();
  return { ...ports, close: () => server.close() };
}

function failureRateOf(text: string | undefined): number {
  if (text === undefined || text === "") return 1;
  const rate = Number(text);
  if (rate >= 0 && rate <= 1) return rate;
  log(`FAILURE_RATE is [${text}]; it should be a value between 0.0 and 1.0. Using 1 instead`);
  return 1;
}

async function delayOf(text: string | undefined): Promise<number> {
  if (text === undefined || text === "") return 0;
  // Loaded only when asked for: start-up time and memory matter to four programs on a laptop.
  const { parseGoDuration } = await import("@heddle/std");
  const delay = parseGoDuration(text);
  if (delay.ok) return delay.value;
  log(`ARTIFICIAL_DELAY: ${delay.error}; using 0ms instead`);
  return 0;
}

if (import.meta.main) await runProgram(startVotingService);
