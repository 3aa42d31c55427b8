import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { root } from "./running-mesh.ts";

const program = ["chromium", "chromium-browser", "google-chrome"].map((p) => Bun.which(p)).find((p) => p !== null);
if (!program) console.log("skipped: no Chromium on this machine; Debian has it: apt-get install chromium");
const shots = join(root, "out/dashboard");
const HOUR_MS = 3_600_000;

describe.skipIf(!program)("the graph over five hours of history", () => {
  let server: ReturnType<typeof Bun.spawn> | undefined;
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    await mkdir(shots, { recursive: true });
    const past = Bun.spawn([join(root, "bin/bun"), join(import.meta.dir, "past-mesh.ts")], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    server = past;
    const first = await past.stdout.getReader().read();
    const url = new TextDecoder().decode(first.value).trim();
    browser = await chromium.launch({
      executablePath: program ?? "",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(20_000);
    await page.goto(`${url}#/graph`);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.kill();
    await server?.exited;
  }, 20_000);

  const box = (name: string) => page.locator("g.node", { hasText: name });
  const dragBack = (ms: number) => page.locator("input[type=range]").fill(String(-Math.round(ms / 10_000) * 10_000));

  test("now: what is, and all of it well", async () => {
    await box("orders").waitFor();
    expect(await box("orders").getAttribute("class")).toContain("good");
    expect(await box("ledger").count()).toBe(0);
    expect(await page.locator("input[type=range]").getAttribute("min")).toBe(String(-5 * HOUR_MS));
  }, 40_000);

  test("the time is dragged in one go: nothing blinks, and the way back stays as long", async () => {
    const track = page.locator("input[type=range]");
    const area = await track.boundingBox();
    if (!area) throw new Error("no time to drag");
    const [right, middle] = [area.x + area.width - 10, area.y + area.height / 2];
    await page.mouse.move(right, middle);
    await page.mouse.down();
    for (let step = 1; step <= 8; step++) {
      await page.mouse.move(right - (area.width * step) / 20, middle);
      expect(await page.locator("g.node").count()).toBeGreaterThan(1);
      expect(await track.isEnabled()).toBe(true);
    }
    await page.mouse.up();
    expect(Number(await track.inputValue())).toBeLessThan(-HOUR_MS);
  }, 40_000);

  test("three hours back: the failure, though other pods run today, and what is gone since", async () => {
    await dragBack(3 * HOUR_MS);
    await page.waitForSelector("text=As it was at");
    await page.waitForSelector("g.node.bad");
    expect(await box("orders").textContent()).toContain("50");
    expect(await box("ledger").getAttribute("class")).toContain("good");
    expect(await page.locator("g.way.bad").count()).toBe(1);
    await page.screenshot({ path: join(shots, "graph-three-hours-back-desktop-light.png"), fullPage: true });
  }, 40_000);

  test("four hours back it was well, and a click leads back to now", async () => {
    await dragBack(4 * HOUR_MS);
    await page.locator("g.node.good", { hasText: "orders" }).waitFor();
    await box("ledger").waitFor();
    await page.click('text="Back to now"');
    await page.waitForSelector("text=Now; drag back");
    await box("ledger").waitFor({ state: "detached" });
    await page.locator("g.node.good", { hasText: "orders" }).waitFor();
  }, 40_000);
});
