import { type Answer, json } from "./serve.ts";

/** Stars by reviewer, or that nobody could say. */
export type RatingsFound = Readonly<Record<string, number>> | "unavailable";

const texts = {
  Reviewer1: "An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!",
  Reviewer2:
    "Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.",
} as const;

/** The reviews of a product. @param ratings Undefined: this version does not ask for any. */
export function reviewsAnswer(id: string, pod: string, color: string, ratings: RatingsFound | undefined): Answer {
  const rating = (reviewer: string) => {
    if (ratings === undefined) return {};
    if (ratings === "unavailable") return { rating: { error: "Ratings service is currently unavailable" } };
    return { rating: { stars: ratings[reviewer] ?? -1, color } };
  };
  const reviews = Object.entries(texts).map(([reviewer, text]) => ({ reviewer, text, ...rating(reviewer) }));
  return json(200, { id, podname: pod, clustername: "null", reviews });
}
