import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { OverviewAnswer } from "@heddle/viz/contract";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { manyServices } from "./many-services.ts";
import { type RunningMesh, root, startMesh } from "./running-mesh.ts";

const program = ["chromium", "chromium-browser", "google-chrome"].map((p) => Bun.which(p)).find((p) => p !== null);
if (!program) console.log("skipped: no Chromium on this machine; Debian has it: apt-get install chromium");
const shots = join(root, "out/dashboard");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Pages, and what stands on each once its figures have come. */
const PAGES = [
  ["overview", "#/", "table >> text=voting"],
  ["workload", "#/workload/emojivoto/deployment/voting", "text=Inbound"],
  ["graph", "#/graph", "g.node >> text=voting"],
  ["problems", "#/problems", "ul.problems li"],
  ["live", "#/live/emojivoto/deployment/web", "text=Newest first"],
  ["mesh", "#/mesh", "text=synced"],
] as const;

const VIEWS = [
  ["desktop", 1280, 800, "light"],
  ["desktop", 1280, 800, "dark"],
  ["phone", 390, 844, "light"],
  ["phone", 390, 844, "dark"],
] as const;

describe.skipIf(!program)("dashboard in Chromium, before a running emojivoto", () => {
  let mesh: RunningMesh;
  let browser: Browser;

  beforeAll(async () => {
    const began = performance.now();
    await mkdir(shots, { recursive: true });
    [mesh, browser] = await Promise.all([
      startMesh("test-dashboard"),
      chromium.launch({ executablePath: program ?? "", args: ["--no-sandbox", "--disable-dev-shm-usage"] }),
    ]);
    console.log(`mesh and browser after ${Math.round(performance.now() - began)} ms`);
    await failuresSeen(mesh.url);
    console.log(`a vote has failed after ${Math.round(performance.now() - began)} ms`);
  }, 150_000);

  afterAll(async () => {
    await browser?.close();
    await mesh?.close();
  }, 60_000);

  /** A fresh page; what it says on its console is collected. */
  async function open(width: number, height: number, colorScheme: "light" | "dark") {
    // axe is put into the page by the test: the policy that forbids such things is asserted on its own.
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, bypassCSP: true });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const complaints: string[] = [];
    page.on("console", (m) => {
      // On a busy machine an answer may be late once: the page tells its reader, and the browser its console.
      if (/status of 50[234]/.test(m.text())) return;
      if (m.type() === "error" || m.type() === "warning") complaints.push(m.text());
    });
    page.on("pageerror", (e) => complaints.push(e.message));
    return { page, complaints, close: () => context.close() };
  }

  for (const [size, width, height, scheme] of VIEWS) {
    test(`${size}, ${scheme}: every page without complaint`, async () => {
      const { page, complaints, close } = await open(width, height, scheme);
      const started = performance.now();
      await page.goto(mesh.url);
      await page.waitForSelector(PAGES[0][2]);
      console.log(`${size} ${scheme}: first figures after ${Math.round(performance.now() - started)} ms`);
      await page.evaluate(axe);
      for (const [name, hash, ready] of PAGES) {
        await page.evaluate((to) => {
          location.hash = to;
        }, hash);
        await page.waitForSelector(ready);
        await page.screenshot({ path: join(shots, `${name}-${size}-${scheme}.png`), fullPage: true });
        expect(await sideways(page)).toBe(0);
        // Names and roles do not depend on colour or width: one full look is enough, and one at the dark colours.
        if (size === "desktop") expect(await serious(page, scheme)).toEqual([]);
      }
      expect(complaints).toEqual([]);
      await close();
    }, 90_000);
  }

  test("the failing doughnut vote is found in two clicks from the first page", async () => {
    const { page, close } = await open(1280, 800, "light");
    await page.goto(mesh.url);
    await page.click('nav >> text="Problems"');
    await page.click("ul.problems >> text=web → voting");
    await page.waitForSelector("text=VotingService/VoteDoughnut");
    expect(await page.textContent("h1")).toBe("voting");
    await close();
  }, 60_000);

  test("hostile names are shown as text", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    const hostile = '<img src=x onerror="window.owned=1">';
    await page.route("**/api/overview*", async (route) => {
      const answer: OverviewAnswer = await (await route.fetch()).json();
      const workloads = answer.workloads.map((w) => ({ ...w, name: w.name === "emoji" ? hostile : w.name }));
      await route.fulfill({ json: { ...answer, workloads } });
    });
    await page.goto(mesh.url);
    await page.waitForSelector(`text=${hostile}`);
    expect(await page.evaluate(() => "owned" in window)).toBe(false);
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("while the metrics service is away the page says so and keeps its figures", async () => {
    const { page, close } = await open(1280, 800, "light");
    await page.goto(mesh.url);
    await page.waitForSelector(PAGES[0][2]);
    await page.route("**/api/*", (route) => route.abort());
    await page.waitForSelector("text=The metrics service does not answer");
    expect(await page.isVisible(PAGES[0][2])).toBe(true);
    await page.unroute("**/api/*");
    await page.waitForSelector("text=The metrics service does not answer", { state: "detached" });
    await close();
  }, 60_000);

  test("a graph of 200 services starts folded, unfolds, and is worked by keyboard", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.route("**/api/graph*", (route) => route.fulfill({ json: manyServices(200) }));
    await page.goto(`${mesh.url}#/graph`);
    await page.waitForSelector("g.node");
    expect(await page.locator("g.node").count()).toBe(10);
    await page.focus("g.node >> nth=0");
    await page.keyboard.press("Enter");
    await page.waitForSelector("g.node[aria-pressed=true]");
    await page.click('text="Unfold"');
    await page.waitForFunction(() => document.querySelectorAll("g.node").length > 25);
    await page.screenshot({ path: join(shots, "graph-200-desktop-light.png"), fullPage: true });
    await page.click('text="Unfold all"');
    await page.waitForFunction(() => document.querySelectorAll("g.node .shadow").length === 0);
    expect(await page.locator("g.node").count()).toBe(200);
    console.log(`200 boxes: ${await framesWhilePanning(page)} frames a second while panning`);
    await page.screenshot({ path: join(shots, "graph-200-open-desktop-light.png"), fullPage: true });
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("pages come with a policy that lets nothing else run, and for no other host name", async () => {
    const answer = await fetch(mesh.url);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const other = await fetch(`${mesh.url}api/overview`, { headers: { host: "evil.example" } });
    expect(other.status).toBe(403);
    const nonsense = await fetch(`${mesh.url}api/workload?namespace=emojivoto&kind=gadget&name=x`);
    expect(await nonsense.json()).toEqual({ error: expect.stringContaining('kind "gadget" is unknown') });
  }, 20_000);
});

/** Waits until a vote has failed: what the pages are to show. */
async function failuresSeen(url: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    const answer = await fetch(`${url}api/problems`).then((r) => r.text());
    if (answer.includes('"web → voting')) return;
    await Bun.sleep(500);
  }
  throw new Error("no failing vote was seen within a minute");
}

/** How far the page is wider than its window. Units: px. */
function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

async function serious(page: Page, scheme: "light" | "dark"): Promise<string[]> {
  const rules = scheme === "light" ? "{}" : '{ runOnly: ["color-contrast"] }';
  const results: AxeResults = await page.evaluate(`axe.run(${rules})`);
  return results.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}

async function framesWhilePanning(page: Page): Promise<number> {
  const box = await page.locator("svg.graph").boundingBox();
  if (!box) throw new Error("no graph on the page");
  await page.evaluate(() => {
    const counter = { frames: 0 };
    Object.assign(window, { counter });
    const count = () => {
      counter.frames++;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
  const started = performance.now();
  await page.mouse.move(box.x + 200, box.y + 100);
  await page.mouse.down();
  for (let i = 0; i < 40; i++) await page.mouse.move(box.x + 200 + i * 5, box.y + 100 + i * 2);
  await page.mouse.up();
  const frames = Number(await page.evaluate("window.counter.frames"));
  return Math.round((frames / (performance.now() - started)) * 1000);
}
