import { type CliContext, UsageError } from "../context.ts";
import { pathPicture } from "../demo/multicluster/picture.ts";
import { GLOBAL_HOST, type MulticlusterDemo, startMulticluster } from "../demo/multicluster/run.ts";
import { createTimeline } from "../demo/timeline.ts";

export interface MulticlusterFlags {
  readonly once?: boolean;
  readonly name: string;
  readonly root: string;
}

/** `heddle demo multicluster`: two clusters, one mesh, a call from one to the other; then they stay until `stop`. */
export async function demoMulticluster(
  context: CliContext,
  flags: MulticlusterFlags,
  stop: Promise<unknown>,
): Promise<void> {
  const ending = new AbortController();
  void stop.then(() => ending.abort(new UsageError("ended before everything was up")));
  const live = process.stderr.isTTY === true;
  const timeline = createTimeline({ write: context.err, nowMs: () => performance.now(), live });
  const started = performance.now();
  const options = { prefix: flags.name, root: flags.root, signal: ending.signal };
  const demo = await startMulticluster(context, options, timeline);
  try {
    context.err(`From nothing to the answer in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
    show(context, demo);
    if (!flags.once) await stay(context, demo, stop);
  } finally {
    context.err("removing everything …\n");
    await demo.close();
  }
}

function show(context: CliContext, { client, server, gateway, caller, answer }: MulticlusterDemo): void {
  const picture = pathPicture({
    client: { cluster: client.cluster.name, address: client.cluster.plan.externalIp },
    server: { cluster: server.cluster.name, address: gateway },
    host: GLOBAL_HOST,
    caller,
  });
  context.out(`\n${picture}\n$ curl -I ${GLOBAL_HOST}:8000/headers\n${answer}\n`);
}

async function stay(context: CliContext, { client, server }: MulticlusterDemo, stop: Promise<unknown>): Promise<void> {
  context.err(
    [
      "",
      `  kubectl   export KUBECONFIG=${client.cluster.kubeconfig}:${server.cluster.kubeconfig}`,
      `  call      kubectl --context ${client.cluster.name} -n foo exec deploy/sleep -c sleep -- curl -sI ${GLOBAL_HOST}:8000/headers`,
      "  spoil it  heddle local wan --delay 40ms --loss 1%   (--cut, --restore)",
      "Ctrl-C ends and removes everything.",
      "",
    ].join("\n"),
  );
  const ended = await Promise.race([stop, client.cluster.ended, server.cluster.ended]);
  if (typeof ended === "string" && ended !== "interrupted") throw new UsageError(ended);
}
