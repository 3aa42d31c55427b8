import { createKubeClient, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { type RunningCluster, startCluster } from "@heddle/local-cluster";
import { at, textOf } from "@heddle/std";
import type { EdgesAnswer, StatAnswer } from "@heddle/viz";
import type { CliContext } from "../context.ts";
import { controlPlaneManifests, crdManifests } from "../install/manifests.ts";
import { defaultInstallOptions } from "../install/options.ts";
import { vizManifests } from "../install/viz.ts";
import { askViz } from "../viz/client.ts";
import { openDashboard } from "../viz/local-dashboard.ts";
import { EMOJIVOTO_NAMESPACE, injectedEmojivoto, withRequestRate } from "./emojivoto.ts";
import type { DemoReport } from "./report.ts";
import type { Timeline } from "./timeline.ts";
import { waitForPods, waitForPorts } from "./wait.ts";

const READY_TIMEOUT_MS = 90_000;
const WEB_PORT = 8080;
const DASHBOARD_PORT = 50_750;

export interface DemoOptions {
  readonly name: string;
  /** Rounds per second of the bot; undefined leaves the manifest as published. */
  readonly requestRate: number | undefined;
  /** Root of the clone: the samples are there. */
  readonly root: string;
  /** Aborted when the user wants to end before everything is up. */
  readonly signal?: AbortSignal;
}

/** A running demo. */
export interface Demo {
  readonly cluster: RunningCluster;
  readonly kube: KubeClient;
  readonly urls: Readonly<Record<string, string>>;
  report(windowMs: number, seconds: number): Promise<DemoReport>;
  close(): Promise<void>;
}

/** The user has ended the demo before it was up; everything is gone again. */
export class DemoInterrupted extends Error {}

/** Brings everything up, phase by phase. Errors: `DemoInterrupted`, or what failed, after everything that was started is gone again. */
export async function startDemo(context: CliContext, options: DemoOptions, timeline: Timeline): Promise<Demo> {
  const cluster = await timeline.phase("cluster", () =>
    startCluster({
      name: options.name,
      env: context.env,
      uid: process.getuid?.() ?? 0,
      onWarning: (sentence) => context.err(`‼ ${sentence}\n`),
    }),
  );
  try {
    return await fill(context, cluster, options, timeline);
  } catch (error) {
    if (!options.signal?.aborted) {
      await cluster.close();
      throw error;
    }
    context.err("removing everything …\n");
    await cluster.close();
    throw new DemoInterrupted("ended before everything was up", { cause: error });
  }
}

async function fill(
  context: CliContext,
  cluster: RunningCluster,
  options: DemoOptions,
  timeline: Timeline,
): Promise<Demo> {
  const { signal } = options;
  const install = defaultInstallOptions(context.version, "istio-system");
  const kube = await createKubeClient({ kubeconfig: cluster.kubeconfig, env: context.env });
  await timeline.phase("install", async () => {
    await kube.applyObjects([
      ...crdManifests(),
      ...controlPlaneManifests(install),
      ...vizManifests(install),
    ] as readonly KubeObject[]);
  });
  await timeline.phase("control plane", (note) =>
    waitForPods(kube, install.namespace, 1, READY_TIMEOUT_MS, note, signal),
  );
  await timeline.phase("emojivoto", async (note) => {
    const objects = await injectedEmojivoto(options.root);
    await kube.applyObjects(
      options.requestRate === undefined ? objects : withRequestRate(objects, options.requestRate),
    );
    const pods = await waitForPods(kube, EMOJIVOTO_NAMESPACE, 4, READY_TIMEOUT_MS, note, signal);
    await waitForPorts(kube, pods, READY_TIMEOUT_MS, signal);
  });
  await timeline.phase("metrics", (note) => waitForPods(kube, "linkerd-viz", 1, READY_TIMEOUT_MS, note, signal));
  const web = await kube.get({ apiVersion: "v1", kind: "Service", namespace: EMOJIVOTO_NAMESPACE, name: "web-svc" });
  const address = textOf(at(web, "spec", "clusterIP"));
  const listener = await cluster.forward(address, 80, WEB_PORT).catch(() => cluster.forward(address, 80, 0));
  const page = `http://127.0.0.1:${listener.port}`;
  const dashboard = await openDashboard(kube, "localhost", DASHBOARD_PORT);
  const urls = { emojivoto: page, leaderboard: `${page}/leaderboard`, dashboard: dashboard.url };
  return {
    cluster,
    kube,
    urls,
    report: async (windowMs, seconds) => {
      const query = { namespace: EMOJIVOTO_NAMESPACE, windowMs: String(windowMs), kind: "deployment" };
      const [stat, edges] = [
        await askViz<StatAnswer>(kube, "/api/stat", query),
        await askViz<EdgesAnswer>(kube, "/api/edges", query),
      ];
      return { seconds, phases: timeline.times(), stat: stat.rows, edges: edges.rows, urls };
    },
    close: async () => {
      await dashboard.close();
      await listener.close();
      await cluster.close();
    },
  };
}
