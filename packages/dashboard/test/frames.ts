import type { CDPSession, Page } from "playwright-core";

/** What it costs to drag the graph. */
export interface Panning {
  /** CPU time of the page's main thread for a frame. Units: ms. */
  readonly workMs: number;
  /** Frames that were drawn, of those that a screen of 60 Hz would have shown. */
  readonly shown: number;
}

const MOVES = 60;

/** Drags the graph for a second, one step a frame. */
export async function panGraph(page: Page): Promise<Panning> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const box = await page.locator(".graph-box").boundingBox();
  if (!box) throw new Error("no graph on the page");
  const [x, y] = [box.x + box.width / 2, box.y + Math.min(box.height / 2, 300)];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 10, y + 5);
  // The page moves its own pointer: a remote control's pace would be measured otherwise.
  const before = await taskTime(session);
  const intervals = await page.evaluate(
    async ([from, top, moves]) => {
      const svg = document.querySelector("svg.graph");
      const times: number[] = [];
      for (let i = 0; i < moves; i++) {
        const at = await new Promise<number>((drawn) => requestAnimationFrame(drawn));
        times.push(at);
        const clientX = from + 10 + Math.sin(i / 6) * 80;
        svg?.dispatchEvent(
          new PointerEvent("pointermove", { bubbles: true, buttons: 1, isPrimary: true, clientX, clientY: top + i }),
        );
      }
      return times.slice(1).map((t, i) => t - (times[i] ?? t));
    },
    [x, y, MOVES] as const,
  );
  const workMs = ((await taskTime(session)) - before) / MOVES;
  await page.mouse.up();
  await session.detach();
  const took = intervals.reduce((sum, ms) => sum + ms, 0);
  return { workMs, shown: (intervals.length * (1000 / 60)) / took };
}

/** Units: ms. */
async function taskTime(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return (metrics.find((m) => m.name === "TaskDuration")?.value ?? 0) * 1000;
}
