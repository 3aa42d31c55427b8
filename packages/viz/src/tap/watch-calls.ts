import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { chosenPods, type Inventory, withLabels } from "../inventory.ts";
import { readInventory } from "../kubernetes-inventory.ts";
import { type TapQuestion, tapPath } from "../tap-api/tap-question.ts";
import { type TapOptions, tapPods } from "./tap-client.ts";
import type { NamedTapEvent } from "./tap-event.ts";

/** Whose calls; how many and since when is said by the options. */
export type CallsAsked = Pick<TapQuestion, "kind" | "name" | "namespace" | "selector">;

/**
 * Watches calls through the tap API where the cluster has it (right: `watch` on `<resource>/tap` of `tap.linkerd.io`), else by forwarding
 * the pods' admin port (right: `create` on `pods/portforward`). Gives the sentences of what could not be watched; `undefined` pods: none.
 * Errors: KubeError, a refusal with its next step in it.
 */
export async function watchCalls(
  kube: KubeClient,
  asked: CallsAsked,
  options: TapOptions,
  noPods: (inventory: Inventory) => Error,
): Promise<readonly string[]> {
  const { maxRps, recent, follow } = options;
  const answer = await openApi(kube, tapPath({ ...asked, maxRps, recent, follow }), options.signal);
  if (answer !== undefined) return readEvents(answer, options);
  const inventory = await readInventory(kube);
  const pods = chosenPods(asked.selector === undefined ? inventory : withLabels(inventory, asked.selector), asked);
  if (pods.length === 0) throw noPods(inventory);
  return tapPods(kube, pods, inventory, options);
}

/** Undefined: there is no such API, or nobody answers behind it. */
async function openApi(kube: KubeClient, path: string, signal: AbortSignal): Promise<Response | undefined> {
  try {
    return await kube.request("POST", path, { signal });
  } catch (error) {
    if (isKubeError(error, 404) || isKubeError(error, 503)) return undefined;
    if (isKubeError(error, 403))
      error.message +=
        "; for all of tap: kubectl create clusterrolebinding NAME --clusterrole=linkerd-linkerd-viz-tap-admin --user=USER";
    throw error;
  }
}

async function readEvents(answer: Response, options: TapOptions): Promise<readonly string[]> {
  const problems: string[] = [];
  const take = (line: string): void => {
    const value = parsed(line);
    if (value === undefined) return;
    if ("problem" in value) problems.push(String(value.problem));
    else if ("dropped" in value) options.onDropped(Number(value.dropped));
    else if (isEvent(value)) options.onEvent(value);
  };
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const piece of answer.body ?? []) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
      if (options.signal.aborted) break;
    }
  } catch (error) {
    if (!options.signal.aborted)
      problems.push(`the stream ended early: ${error instanceof Error ? error.message : String(error)}`);
  }
  return problems;
}

function parsed(line: string): object | undefined {
  if (line.trim() === "") return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The tap server writes what this package's own types say; it is part of the same mesh. */
function isEvent(value: object): value is NamedTapEvent {
  return (
    "direction" in value && "path" in value && "srcName" in value && Array.isArray(Reflect.get(value, "requestHeaders"))
  );
}
