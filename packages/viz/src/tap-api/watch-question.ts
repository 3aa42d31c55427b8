import type { KubeClient } from "@heddle/kube-client";
import type { Inventory } from "../inventory.ts";
import { chosenPods, withLabels } from "../inventory.ts";
import { tapPods } from "../tap/tap-client.ts";
import type { TapSink } from "./tap-handler.ts";
import type { TapQuestion } from "./tap-question.ts";

/** Watches the pods of a question with this server's own right to forward their admin port; pods that opted out say so themselves. */
export function createTapWatcher(
  kube: KubeClient,
  inventory: Inventory,
): (question: TapQuestion, sink: TapSink) => Promise<void> {
  return async (question, sink) => {
    const present = question.selector === undefined ? inventory : withLabels(inventory, question.selector);
    const pods = chosenPods(present, question);
    if (pods.length === 0) return sink.line({ problem: noPods(question) });
    const problems = await tapPods(kube, pods, inventory, {
      maxRps: question.maxRps,
      recent: question.recent,
      follow: question.follow,
      signal: sink.signal,
      onEvent: (event) => sink.line(event),
      onDropped: (dropped) => sink.line({ dropped }),
    });
    for (const problem of problems) sink.line({ problem });
  };
}

function noPods({ kind, name, namespace, selector }: TapQuestion): string {
  const what = name === undefined ? `${kind}s` : `${kind}/${name}`;
  const where = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  return `${what}: no running pods ${where}${selector === undefined ? "" : ` with the labels ${selector}`}`;
}
