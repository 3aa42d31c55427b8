import { beforeAll, describe, expect, test } from "bun:test";
import { type Dashboard, loadDashboard } from "./assets.ts";

/** A slow phone network brings 200 kB in a second, two round trips off: all of it must fit several times. Units: bytes. */
const BUDGET = 45_000;

describe("the dashboard's files", () => {
  let dashboard: Dashboard;
  beforeAll(async () => {
    dashboard = await loadDashboard();
  });
  const get = (path: string, accept = "*/*") =>
    dashboard.page(new Request(`http://localhost${path}`, { headers: { accept } }));

  test("are small enough to come in under a second", () => {
    const total = Object.values(dashboard.sizes).reduce((sum, size) => sum + size, 0);
    console.log(`the dashboard: ${total} bytes as sent`);
    expect(total).toBeLessThan(BUDGET);
  });

  test("come below any prefix that an Ingress sends along", async () => {
    for (const path of ["/", "/mesh/", "/a/b/"]) expect(await get(path)?.text()).toContain("<!doctype html>");
    expect(get("/mesh/main.js")?.headers.get("content-type")).toContain("javascript");
    expect(get("/mesh/api/overview")).toBeUndefined();
    expect(get("/mesh/nothing.js", "text/html")).toBeUndefined();
  });

  test("a reader who leaves the last slash out is led to the page, a program is not", () => {
    const led = get("/a/mesh", "text/html,*/*");
    expect([led?.status, led?.headers.get("location")]).toEqual([308, "./mesh/"]);
    expect(get("//evil", "text/html")?.headers.get("location")).toBe("./evil/");
    expect(get("/mesh")).toBeUndefined();
  });
});
