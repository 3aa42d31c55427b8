import { createCliContext } from "../src/context.ts";
import { type Demo, startDemo } from "../src/demo/run.ts";
import { createTimeline } from "../src/demo/timeline.ts";
import { root } from "./heddle-process.ts";

/** The demo for one test file: a cluster, the mesh, viz and emojivoto. `requestRate` in requests a second. */
export function startTestDemo(name: string, requestRate: number): Promise<Demo> {
  const context = createCliContext(process.env, "0.1.0");
  const timeline = createTimeline({
    write: (text) => void process.stderr.write(text),
    nowMs: () => performance.now(),
    live: false,
  });
  return startDemo(context, { name, requestRate, root }, timeline);
}
