import { status } from "@grpc/grpc-js";
import { serveCounters } from "./counters.ts";
import { votable, voteMethod } from "./emoji-list.ts";
import { numberFrom } from "./environment.ts";
import { CallError, serveGrpc } from "./serve-grpc.ts";
import { votingService } from "./services.ts";

/** Share of votes that fail besides the doughnut's, 0 to 1. */
const failureRate = numberFrom("FAILURE_RATE", 0);
const delayMs = numberFrom("ARTIFICIAL_DELAY", 0);
const votes = new Map<string, number>();

function vote(shortcode: string): object {
  if (delayMs > 0) Bun.sleepSync(delayMs);
  // Version 11 of the published application: a vote for the doughnut always fails.
  if (shortcode === ":doughnut:") throw new CallError(status.UNKNOWN, "ERROR");
  if (failureRate > 0 && Math.random() < failureRate) throw new CallError(status.UNKNOWN, "ERROR");
  votes.set(shortcode, (votes.get(shortcode) ?? 0) + 1);
  return {};
}

function results(): object {
  const all = [...votes].map(([shortcode, count]) => ({ shortcode, votes: count }));
  return { results: all.sort((a, b) => b.votes - a.votes) };
}

const port = numberFrom("GRPC_PORT", 8080);
const handlers = Object.fromEntries(votable.map((code) => [voteMethod(code), () => vote(code)]));
await serveGrpc(votingService, { ...handlers, Results: results }, port, serveCounters(numberFrom("PROM_PORT", 8801)));
console.log(`voting-svc serves gRPC on ${port}`);
