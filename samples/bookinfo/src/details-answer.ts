import { type Answer, json } from "./serve.ts";

/** `/details/ID` and `/health`. */
export function detailsAnswer(path: string): Answer {
  if (path === "/health") return json(200, { status: "Details is healthy" });
  const id = /^\/details\/([^/]*)$/.exec(path)?.[1];
  if (id === undefined) return json(404, { error: `no ${path} here; ask for /details/ID` });
  if (!/^\d{1,9}$/.test(id)) return json(400, { error: "please provide numeric product id" });
  return json(200, {
    id: Number(id),
    author: "William Shakespeare",
    year: 1595,
    type: "paperback",
    pages: 200,
    publisher: "PublisherA",
    language: "English",
    "ISBN-10": "1234567890",
    "ISBN-13": "123-1234567890",
  });
}
