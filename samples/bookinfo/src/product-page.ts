/** What a service answered; no value for anything but 200. */
export interface Fetched {
  readonly status: number;
  readonly value?: unknown;
}

interface Review {
  readonly reviewer?: string;
  readonly text?: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

export const products = [
  {
    id: 0,
    title: "The Comedy of Errors",
    descriptionHtml:
      "One of <b>William Shakespeare's</b> early plays, his shortest: two pairs of twins, a long day of mistaken identity, puns and slapstick.",
  },
] as const;

const escaped = (text: unknown): string => Bun.escapeHTML(String(text ?? ""));
const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

function page(body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simple Bookstore App</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 2rem; }
nav { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid #8888; padding-bottom: .5rem; }
.black { color: #222; } .red { color: #c22; } td { padding-right: 1rem; }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd; } .black { color: #eee; } }
</style>
</head>
<body>
${body}
</body>
</html>
`;
}

export function indexPage(): string {
  return page(`<h1>Hello! This is a simple bookstore application</h1>
<p><a href="productpage">The product page</a> asks details for the book's facts and reviews for what readers say; reviews asks ratings for stars.</p>`);
}

function rating({ rating }: Review): string {
  if (rating === undefined) return "";
  if (rating.error !== undefined) return `<p><i>${escaped(rating.error)}</i></p>`;
  const stars = Math.min(5, Math.max(0, rating.stars ?? 0));
  const color = rating.color === "red" ? "red" : "black";
  return `<p class="${color}" title="${stars} of 5">${'<span class="glyphicon glyphicon-star">★</span>'.repeat(stars)}${'<span class="glyphicon glyphicon-star-empty">☆</span>'.repeat(5 - stars)}</p>`;
}

function reviewsPart({ status, value }: Fetched): string {
  if (status !== 200)
    return "<h2>Error fetching product reviews!</h2><p>Sorry, product reviews are currently unavailable for this book.</p>";
  const { reviews, podname } = objectOf(value);
  const all: readonly Review[] = Array.isArray(reviews) ? reviews : [];
  const quotes = all.map(
    (review) =>
      `<blockquote><p>${escaped(review.text)}</p><small>${escaped(review.reviewer)}</small>${rating(review)}</blockquote>`,
  );
  return `<h2>Book Reviews</h2>${quotes.join("\n")}<p>Reviews served by: <u>${escaped(podname)}</u></p>`;
}

function detailsPart({ status, value }: Fetched): string {
  if (status !== 200)
    return "<h2>Error fetching product details!</h2><p>Sorry, product details are currently unavailable for this book.</p>";
  const rows = Object.entries(objectOf(value))
    .filter(([name]) => name !== "id")
    .map(([name, text]) => `<tr><td>${escaped(name)}</td><td>${escaped(text)}</td></tr>`);
  return `<h2>Book Details</h2><table>${rows.join("")}</table>`;
}

/** The page of the one product. All texts of other services are shown as text. */
export function productPage(user: string, details: Fetched, reviews: Fetched): string {
  const [{ title, descriptionHtml }] = products;
  const account =
    user === ""
      ? `<form method="post" action="login"><input name="username" placeholder="User name" aria-label="User name"> <input name="passwd" type="password" placeholder="Password" aria-label="Password"> <button>Sign in</button></form>`
      : `<span>${escaped(user)} (<a href="logout">sign out</a>)</span>`;
  return page(`<nav><strong>BookInfo Sample</strong>${account}</nav>
<h1>${title}</h1>
<p>Summary: ${descriptionHtml}</p>
<div class="columns"><section>${detailsPart(details)}</section>
<section>${reviewsPart(reviews)}</section></div>`);
}
