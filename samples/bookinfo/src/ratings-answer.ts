import { type Answer, json } from "./serve.ts";

type Ratings = Readonly<Record<string, number>>;

const first: Ratings = { Reviewer1: 5, Reviewer2: 4 };
const MAX_PRODUCTS = 1000;

function ratingsIn(body: string): Ratings | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    const ratings = entries.filter((entry): entry is [string, number] => typeof entry[1] === "number");
    return ratings.length === entries.length ? Object.fromEntries(ratings) : undefined;
  } catch {
    return undefined;
  }
}

/** `GET` and `POST /ratings/ID`, `/health`. What is posted is kept in memory. */
export function createRatings(): (method: string, path: string, body: string) => Answer {
  const kept = new Map<number, Ratings>();
  return (method, path, body) => {
    if (path === "/health") return json(200, { status: "Ratings is healthy" });
    const text = /^\/ratings\/([^/]*)$/.exec(path)?.[1];
    if (text === undefined) return json(404, { error: `no ${path} here; ask for /ratings/ID` });
    if (!/^\d{1,9}$/.test(text)) return json(400, { error: "please provide numeric product ID" });
    const id = Number(text);
    if (method === "POST") {
      const ratings = ratingsIn(body);
      if (ratings === undefined)
        return json(400, { error: 'please provide valid ratings JSON, such as {"Reviewer1":3}' });
      if (kept.size >= MAX_PRODUCTS && !kept.has(id)) return json(507, { error: "too many products are rated" });
      kept.set(id, ratings);
    } else if (method !== "GET" && method !== "HEAD") return json(405, { error: `${method} is not for ratings` });
    return json(200, { id, ratings: kept.get(id) ?? first });
  };
}
