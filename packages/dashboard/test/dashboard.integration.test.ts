import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { OverviewAnswer } from "@heddle/viz/contract";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { panGraph } from "./frames.ts";
import { manyServices } from "./many-services.ts";
import { type RunningMesh, root, startMesh } from "./running-mesh.ts";
import { twoClusters } from "./two-clusters.ts";

const program = ["chromium", "chromium-browser", "google-chrome"].map((p) => Bun.which(p)).find((p) => p !== null);
if (!program) console.log("skipped: no Chromium on this machine; Debian has it: apt-get install chromium");
const shots = join(root, "out/dashboard");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Pages, and what stands on each once its figures have come. */
const PAGES = [
  ["overview", "#/", "table >> text=voting"],
  ["namespace", "#/namespace/emojivoto", "g.node >> text=voting"],
  ["workload", "#/workload/emojivoto/deployment/voting", "text=voting-callers"],
  ["graph", "#/graph", "g.node >> text=voting"],
  ["problems", "#/problems", "ul.problems >> text=referenced resource not found"],
  ["live", "#/live/emojivoto/deployment/web", "text=Newest first"],
  ["gateways", "#/gateways", "text=This mesh has one cluster"],
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
    await mesh.deed("examples");
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
        // Names and roles do not depend on the colours.
        expect(await serious(page, scheme)).toEqual([]);
      }
      expect(complaints).toEqual([]);
      await close();
    }, 90_000);
  }

  test("a workload's page has every section, with figures in it", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    const rowOf = (heading: string, text: string) =>
      page.waitForSelector(`table:has(caption:has-text("${heading}")) tr:has-text("${text}")`);
    await page.goto(`${mesh.url}#/workload/emojivoto/deployment/web`);
    await page.waitForSelector("p:has-text('spiffe://cluster.local/ns/emojivoto/sa/web')");
    await page.waitForSelector(".tiles div:has-text('Connections') dd");
    await rowOf("Inbound", "vote-bot");
    for (const called of ["emoji", "voting"]) await rowOf("Outbound", `cluster.local/ns/emojivoto/sa/${called}`);
    await rowOf("Routes", "web-svc");
    await rowOf("Pods", "valid for 23 h");
    await rowOf("Configuration and its origin", "outboundTrafficPolicy");
    await page.goto(`${mesh.url}#/workload/emojivoto/deployment/voting`);
    await rowOf("Where it breaks", "voting answered gRPC status 2 (Unknown)");
    const failed = await page.waitForSelector("section:has(h2:text-is('Recent failures')) tr:has-text('VoteDoughnut')");
    expect(await failed.textContent()).toMatch(/web → voting.*gRPC 2/);
    const policy = "section:has(h2:text-is('Policies in force'))";
    await page.waitForSelector(`${policy} >> text=mutual TLS is PERMISSIVE`);
    await page.waitForSelector(`${policy} tr:has-text('voting-callers'):has-text('ALLOW')`);
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("a refused configuration and a certificate about to end are problems, and stand at the proxy", async () => {
    const { page, complaints, close } = await open(1280, 800, "dark");
    await page.goto(`${mesh.url}#/problems`);
    const problem = (what: string) => page.waitForSelector(`ul.problems li.bad:has-text("brief-"):has-text("${what}")`);
    await problem("ends in");
    await mesh.deed("break-brief");
    await problem("refused its configuration");
    await page.goto(`${mesh.url}#/mesh`);
    const row = await page.waitForSelector("tr.bad:has-text('brief-')");
    expect(await row.textContent()).toMatch(/nobody\.Knows is not an extension.*rejected/);
    await page.waitForSelector(".tiles div:has-text('Rejections') dd.bad");
    await page.screenshot({ path: join(shots, "mesh-refused-desktop-dark.png"), fullPage: true });
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("ways show locks and move, but not for readers who want no motion", async () => {
    const { page, close } = await open(1280, 800, "light");
    await page.goto(`${mesh.url}#/graph`);
    await page.waitForSelector("g.way .label:has-text('🔒')");
    const motion = () =>
      page.$eval("g.way .flow", (way) => `${getComputedStyle(way).animationName} ${getComputedStyle(way).display}`);
    await page.waitForSelector("g.way .flow", { state: "attached" });
    expect(await motion()).toBe("flow inline");
    await page.emulateMedia({ reducedMotion: "reduce" });
    expect(await motion()).toBe("none none");
    await close();
  }, 60_000);

  test("gateways and clusters stand in rows, those that are away in red", async () => {
    const { page, complaints, close } = await open(390, 844, "light");
    await page.route("**/api/gateways*", (route) => route.fulfill({ json: twoClusters() }));
    await page.goto(`${mesh.url}#/gateways`);
    await page.waitForSelector("tr.bad:has-text('west'):has-text('✕ no')");
    await page.waitForSelector("tr:has-text('east'):has-text('✓ yes'):has-text('2.1 ms')");
    await page.waitForSelector("tr.poor:has-text('north'):has-text('its token has ended')");
    await page.evaluate(axe);
    expect(await serious(page, "light")).toEqual([]);
    expect(await sideways(page)).toBe(0);
    await page.screenshot({ path: join(shots, "gateways-rows-phone-light.png"), fullPage: true });
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("the failing doughnut vote is found in two clicks from the first page", async () => {
    const { page, close } = await open(1280, 800, "light");
    await page.goto(mesh.url);
    await page.click('nav >> text="Problems"');
    await page.click("ul.problems >> text=web → voting");
    await page.waitForSelector("text=VotingService/VoteDoughnut");
    expect(await page.textContent("h1")).toBe("voting");
    await close();
  }, 60_000);

  test("by keyboard alone: past the menu into a workload, and through the graph", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.goto(mesh.url);
    await page.waitForSelector(PAGES[0][2]);
    const reached: string[] = [];
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
    // Everything that can be worked comes in the order of the page, and none twice.
    for (let i = 0; i < 60 && reached.at(-1) !== "voting"; i++) {
      await page.keyboard.press("Tab");
      reached.push(await focused());
    }
    const menu = ["Graph", "Problems", "Live", "Traces"].map((name) =>
      reached.findIndex((text) => text.startsWith(name)),
    );
    expect(menu).toEqual([...menu].sort((a, b) => a - b));
    expect(menu).not.toContain(-1);
    expect(reached.at(-1)).toBe("voting");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:has-text('voting')");
    await page.goto(`${mesh.url}#/graph`);
    await page.focus("g.node:has-text('voting')");
    await page.keyboard.press("Enter");
    await page.waitForSelector("g.node[aria-pressed=true]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("g.node[aria-pressed=true]", { state: "detached" });
    expect(complaints).toEqual([]);
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

  test("a hostile path and header, seen live, are shown as text", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.goto(`${mesh.url}#/live/emojivoto/deployment/web`);
    await page.waitForSelector("text=Newest first");
    const evil = "<script>window.owned=1</script>";
    const answer = await mesh.deed(
      "send",
      `GET /${evil}?<img/src=x/onerror=window.owned=1> HTTP/1.1\r\nHost: web-svc.emojivoto\r\nx-hostile: ${evil}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toStartWith("HTTP/1.1 ");
    await page.fill("input[type=search]", "/<script>");
    await page.click(`summary:has-text("${evil}")`);
    await page.waitForSelector(`dd:has-text("${evil}")`);
    expect(await page.textContent("main code")).toContain("--path '/<script>'");
    await page.screenshot({ path: join(shots, "live-hostile-desktop-light.png"), fullPage: true });
    expect(
      await page.evaluate(() => "owned" in window || document.querySelector("main script, main img") !== null),
    ).toBe(false);
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("a vote is shown as a waterfall, through every service", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.goto(`${mesh.url}#/traces`);
    await page.selectOption("label:has-text('Service') select", { label: "voting-svc.emojivoto" });
    await page.click("tr:has-text('web-svc.emojivoto') a");
    await page.waitForSelector(".waterfall li:nth-child(4)");
    await page.click(".waterfall li:nth-child(2) summary");
    await page.waitForSelector(".waterfall details[open] dd");
    await page.evaluate(axe);
    expect(await serious(page, "light")).toEqual([]);
    await page.screenshot({ path: join(shots, "traces-desktop-light.png"), fullPage: true });
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await serious(page, "dark")).toEqual([]);
    await page.screenshot({ path: join(shots, "traces-desktop-dark.png"), fullPage: true });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await sideways(page)).toBe(0);
    expect(await serious(page, "light")).toEqual([]);
    await page.screenshot({ path: join(shots, "traces-phone-dark.png"), fullPage: true });
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("below an Ingress's path", async () => {
    const ingress = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async ({ url }) => {
        const { pathname, search } = new URL(url);
        if (!pathname.startsWith("/ops/mesh/")) return new Response("elsewhere", { status: 404 });
        const answer = await fetch(`${mesh.url}${pathname.slice("/ops/mesh/".length)}${search}`);
        const headers = { "content-type": answer.headers.get("content-type") ?? "" };
        return new Response(await answer.arrayBuffer(), { status: answer.status, headers });
      },
    });
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.goto(`http://127.0.0.1:${ingress.port}/ops/mesh/`);
    await page.waitForSelector(PAGES[0][2]);
    expect(complaints).toEqual([]);
    await close();
    await ingress.stop(true);
  }, 60_000);

  test("a graph of 200 services starts folded, unfolds, and is worked by keyboard", async () => {
    const { page, complaints, close } = await open(1280, 800, "light");
    await page.route("**/api/graph*", (route) => route.fulfill({ json: manyServices(200) }));
    await page.goto(`${mesh.url}#/graph`);
    await page.waitForSelector("g.node");
    expect(await page.locator("g.node").count()).toBe(10);
    const folded = await panGraph(page);
    await page.focus("g.node >> nth=0");
    await page.keyboard.press("Enter");
    await page.waitForSelector("g.node[aria-pressed=true]");
    await page.click('text="Unfold"');
    await page.waitForFunction(() => document.querySelectorAll("g.node").length > 25);
    await page.screenshot({ path: join(shots, "graph-200-desktop-light.png"), fullPage: true });
    await page.click('text="Unfold all"');
    await page.waitForFunction(() => document.querySelectorAll("g.node .shadow").length === 0);
    expect(await page.locator("g.node").count()).toBe(200);
    const open200 = await panGraph(page);
    console.log(
      `panning 200 boxes: ${open200.workMs.toFixed(2)} ms of the main thread a frame (10 boxes: ${folded.workMs.toFixed(2)}), ${Math.round(open200.shown * 60)} frames a second`,
    );
    // 60 frames a second leave 16.7 ms. On a machine that is too busy to say, at least the size must not matter.
    expect(open200.workMs).toBeLessThan(Math.max(8, folded.workMs * 4));
    // Fewer than six a second are no noise: then every frame waits for something.
    expect(open200.shown).toBeGreaterThan(0.1);
    await page.screenshot({ path: join(shots, "graph-200-open-desktop-light.png"), fullPage: true });
    await page.selectOption("label:has-text('Group by') select", "cluster");
    await page.waitForFunction(() => document.querySelectorAll("g.node").length === 2);
    await page.screenshot({ path: join(shots, "graph-200-clusters-desktop-light.png"), fullPage: true });
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

  test("metrics service, network and control plane go away and come back; the page says what is missing", async () => {
    const { page, close } = await open(1280, 800, "light");
    page.setDefaultTimeout(45_000);
    const away = "text=The metrics service does not answer";
    await page.goto(mesh.url);
    await page.waitForSelector(PAGES[0][2]);
    await mesh.deed("scale", "linkerd-viz", "metrics-api", "0");
    await page.waitForSelector(away);
    expect(await page.isVisible(PAGES[0][2])).toBe(true);
    await page.screenshot({ path: join(shots, "overview-away-desktop-light.png"), fullPage: true });
    await mesh.deed("scale", "linkerd-viz", "metrics-api", "1");
    await page.waitForSelector(away, { state: "detached" });
    await page.waitForSelector(PAGES[0][2]);
    await page.context().setOffline(true);
    await page.waitForSelector(away);
    await page.context().setOffline(false);
    await page.waitForSelector(away, { state: "detached" });
    await mesh.deed("scale", "istio-system", "istiod", "0");
    await page.goto(`${mesh.url}#/problems`);
    await page.waitForSelector("ul.problems >> text=No control plane");
    await page.screenshot({ path: join(shots, "problems-away-desktop-light.png"), fullPage: true });
    await mesh.deed("scale", "istio-system", "istiod", "1");
    await page.waitForSelector("ul.problems >> text=No control plane", { state: "detached" });
    await close();
  }, 170_000);
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
