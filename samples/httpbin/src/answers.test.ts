import { expect, test } from "bun:test";
import { answer } from "./answers.ts";

const deps = { hostname: "box", newId: () => "id" };
const ask = (url: string, method = "GET", body = "") =>
  answer({ method, url, headers: { Host: ["httpbin:8000"] }, origin: "10.0.0.1", body }, deps);
const read = (url: string, method?: string, body?: string) => JSON.parse(String(ask(url, method, body).body));

test("headers and what was sent come back", () => {
  expect(read("/headers")).toEqual({ headers: { Host: ["httpbin:8000"] } });
  expect(read("/get?a=1&a=2")).toMatchObject({ args: { a: ["1", "2"] }, url: "http://httpbin:8000/get?a=1&a=2" });
  expect(read("/post", "POST", '{"x":1}')).toMatchObject({ method: "POST", data: '{"x":1}', json: { x: 1 } });
  expect(ask("/post").status).toBe(405);
});

test("statuses, delays and bytes are as asked, within limits", () => {
  expect(ask("/status/418").status).toBe(418);
  expect(ask("/delay/2").delayMs).toBe(2000);
  expect(ask("/bytes/5").body).toEqual(Uint8Array.from([0, 1, 2, 3, 4]));
  for (const bad of ["/status/42", "/delay/99", "/bytes/-1"]) expect(ask(bad).status).toBe(400);
  expect(ask("/nothing").status).toBe(404);
});

test("a header that could split the answer is left out", () => {
  expect(ask("/response-headers?x-a=1&bad=a%0d%0ab:c").headers["bad"]).toBeUndefined();
  expect(ask("/response-headers?x-a=1").headers["x-a"]).toBe("1");
});
