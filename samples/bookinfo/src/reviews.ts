import { hostname } from "node:os";
import { passedOn } from "./passed-on.ts";
import { type RatingsFound, reviewsAnswer } from "./reviews-answer.ts";
import { json, serve } from "./serve.ts";

/** Environment: ENABLE_RATINGS (`true` from v2 on), STAR_COLOR (black, red), SERVICES_DOMAIN. */
const { ENABLE_RATINGS, STAR_COLOR: color = "black", SERVICES_DOMAIN: domain = "" } = process.env;
const ratings = `http://ratings${domain === "" ? "" : `.${domain}`}:9080/ratings`;
/** v2 waits long; with a delay in ratings, productpage gives up first: the fault that Istio's walkthrough finds. */
const timeoutMs = color === "black" ? 10_000 : 2500;

async function ratingsOf(id: string, headers: Readonly<Record<string, string>>): Promise<RatingsFound> {
  try {
    const answer = await fetch(`${ratings}/${id}`, { headers, signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200) return "unavailable";
    const { ratings: found } = (await answer.json()) as { readonly ratings?: Readonly<Record<string, number>> };
    return found ?? "unavailable";
  } catch {
    return "unavailable";
  }
}

serve("reviews", async ({ path, headers }) => {
  if (path === "/health") return json(200, { status: "Reviews is healthy" });
  const id = /^\/reviews\/(\d{1,9})$/.exec(path)?.[1];
  if (id === undefined) return json(404, { error: `no ${path} here; ask for /reviews/ID` });
  const found = ENABLE_RATINGS === "true" ? await ratingsOf(id, passedOn(headers)) : undefined;
  return reviewsAnswer(id, hostname(), color, found);
});
