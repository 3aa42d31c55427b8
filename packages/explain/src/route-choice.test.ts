import { expect, test } from "bun:test";
import { routeFor } from "./route-choice.ts";

test("a query parameter that must be absent does not hide the conditions behind it", () => {
  const host = {
    routes: [
      {
        match: {
          prefix: "/",
          query_parameters: [
            { name: "old", present_match: false },
            { name: "v", string_match: { exact: "2" } },
          ],
        },
      },
      { match: { prefix: "/" } },
    ],
  };
  const choice = (path: string) => {
    const { route, passed } = routeFor(host, { ":path": path });
    return [host.routes.findIndex((one) => one === route), ...passed.map(({ reason }) => reason)];
  };
  expect(choice("/?v=2")).toEqual([0]);
  expect(choice("/?v=1")).toEqual([1, 'query parameter v is "1", wanted exact "2"']);
  expect(choice("/?old&v=2")).toEqual([1, "query parameter old is present"]);
});
