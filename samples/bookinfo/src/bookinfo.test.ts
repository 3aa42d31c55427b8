import { expect, test } from "bun:test";
import { detailsAnswer } from "./details-answer.ts";
import { passedOn } from "./passed-on.ts";
import { productPage } from "./product-page.ts";
import { createRatings } from "./ratings-answer.ts";
import { reviewsAnswer } from "./reviews-answer.ts";

test("ratings are kept for whoever asks next; what is no rating is refused", () => {
  const ask = createRatings();
  expect(JSON.parse(ask("GET", "/ratings/0", "").body)).toEqual({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } });
  expect(ask("POST", "/ratings/0", '{"Reviewer1":1}').status).toBe(200);
  expect(JSON.parse(ask("GET", "/ratings/0", "").body)).toEqual({ id: 0, ratings: { Reviewer1: 1 } });
  for (const bad of ["", "[]", '{"Reviewer1":"x"}']) expect(ask("POST", "/ratings/0", bad).status).toBe(400);
  expect(ask("GET", "/ratings/x", "").status).toBe(400);
  expect(detailsAnswer("/details/x").status).toBe(400);
  expect(detailsAnswer("/details/0").status).toBe(200);
});

test("the page shows stars in the version's colour, says what is missing, and shows text as text", () => {
  const details = { status: 200, value: JSON.parse(detailsAnswer("/details/0").body) };
  const show = (ratings: Parameters<typeof reviewsAnswer>[3], color = "black") =>
    productPage("", details, { status: 200, value: JSON.parse(reviewsAnswer("0", "pod", color, ratings).body) });
  const stars = (page: string) => page.match(/glyphicon-star"/g)?.length ?? 0;
  expect(stars(show(undefined))).toBe(0);
  expect(stars(show({ Reviewer1: 5, Reviewer2: 4 }))).toBe(9);
  expect(show({ Reviewer1: 5, Reviewer2: 4 }, "red")).toContain('class="red"');
  expect(show("unavailable")).toContain("Ratings service is currently unavailable");
  expect(productPage("", { status: 503 }, { status: 500 })).toContain("Error fetching product reviews!");
  const hostile = productPage("<i>", { status: 200, value: { author: "<script>" } }, { status: 500 });
  expect(hostile).not.toMatch(/<i>|<script>/);
});

test("who asked and the trace are passed on, cookies are not", () => {
  const headers = { "end-user": "jason", "x-b3-traceid": "1", cookie: "session=x", host: "a" };
  expect(passedOn(headers)).toEqual({ "end-user": "jason", "x-b3-traceid": "1" });
});
