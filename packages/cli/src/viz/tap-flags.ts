import type { KubeClient } from "@heddle/kube-client";
import { chosenPods, type Inventory, type NamedTapEvent, watchCalls } from "@heddle/viz";
import type { Command } from "commander";
import { UsageError } from "../context.ts";
import { noRunningPods, type Target } from "./pods-of.ts";
import { parseResource } from "./resource.ts";
import { parseSelector } from "./selector.ts";

/** Flags that `tap`, `top` and `profile --tap` share. Source: linkerd viz/cmd/tap.go. */
export interface TapFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly to?: string;
  readonly toNamespace?: string;
  readonly maxRps: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly selector?: string;
}

export function addTapFlags(command: Command): Command {
  return command
    .option("-n, --namespace <namespace>", "namespace of the resource (default: the kubeconfig's)")
    .option("-A, --all-namespaces", "resources of all namespaces")
    .option("--to <resource>", "only requests that it sends there")
    .option("--to-namespace <namespace>", "namespace of --to (default: that of the resource)")
    .option("--max-rps <number>", "most requests per second and pod that are shown", "100")
    .option("--scheme <scheme>", "only this scheme: http or https")
    .option("--method <method>", "only this method")
    .option("--authority <authority>", "only this authority")
    .option("--path <path>", "only paths that begin so")
    .option("-l, --selector <selector>", "only pods with these labels, as app=web,version=v1");
}

type Wanted = (event: NamedTapEvent) => boolean;

/** The filter that the flags ask for. Errors: UsageError for values that can't be. */
export function tapFilter(flags: TapFlags, namespace: string | undefined): Wanted {
  const to = flags.to === undefined ? undefined : parseResource([flags.to]);
  const toNamespace = flags.toNamespace ?? (flags.to === undefined ? undefined : namespace);
  const method = flags.method?.toUpperCase();
  if (method !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Z-]+$/.test(method))
    throw new UsageError(`--method ${flags.method}: expected one method, such as GET`);
  if (flags.scheme !== undefined && flags.scheme !== "http" && flags.scheme !== "https")
    throw new UsageError(`--scheme ${flags.scheme}: expected http or https`);
  return (event) =>
    (flags.scheme === undefined || event.scheme === flags.scheme) &&
    (method === undefined || event.method === method) &&
    (flags.authority === undefined || event.authority === flags.authority) &&
    (flags.path === undefined || event.path.startsWith(flags.path)) &&
    (toNamespace === undefined || event.dstNamespace === toNamespace) &&
    (to === undefined || (event.direction === "out" && isNamed(to, event)));
}

function isNamed(to: ReturnType<typeof parseResource>, event: NamedTapEvent): boolean {
  if (to.kind === "namespace") return to.name === undefined || event.dstNamespace === to.name;
  if (to.kind === "pod") return to.name === undefined || event.dstPod === to.name;
  if (to.kind === "service")
    return (
      to.name === undefined ||
      (event.authority.split(/[.:]/)[0] ?? "") === to.name ||
      event.cluster.includes(`||${to.name}.`)
    );
  return to.name === undefined || event.dstName === to.name;
}

export interface TapRun {
  readonly words: readonly string[];
  readonly flags: TapFlags;
  readonly signal: AbortSignal;
  onEvent(event: NamedTapEvent): void;
  onDropped(count: number): void;
}

/** Watches what the words and flags name until `signal`; gives the sentences of pods that could not be watched. */
export async function runTap(kube: KubeClient, run: TapRun): Promise<readonly string[]> {
  const { flags } = run;
  const maxRps = Number(flags.maxRps);
  if (!(maxRps > 0 && maxRps <= 1000))
    throw new UsageError(`--max-rps ${flags.maxRps}: expected a number above 0, at most 1000`);
  const target = tapTarget(run.words, flags, kube.namespace);
  const wanted = tapFilter(flags, target.namespace);
  if (flags.selector !== undefined) parseSelector(flags.selector);
  const asked = { ...target, ...(flags.selector === undefined ? {} : { selector: flags.selector }) };
  return watchCalls(
    kube,
    asked,
    {
      maxRps,
      recent: false,
      follow: true,
      signal: run.signal,
      onEvent: (event) => {
        if (wanted(event)) run.onEvent(event);
      },
      onDropped: run.onDropped,
    },
    (inventory) => noPodsError(inventory, target, flags.selector),
  );
}

function noPodsError(inventory: Inventory, target: Target, selector: string | undefined): UsageError {
  if (selector !== undefined && chosenPods(inventory, target).length > 0)
    return new UsageError(`-l ${selector}: no running pod has these labels`);
  return noRunningPods(target);
}

export function tapTarget(words: readonly string[], flags: TapFlags, fallback: string): Target {
  const { kind, name } = parseResource(words);
  const namespace = kind === "namespace" ? name : flags.allNamespaces ? undefined : (flags.namespace ?? fallback);
  return { kind, ...(name ? { name } : {}), ...(namespace ? { namespace } : {}) };
}

/** Ends at Ctrl-C, SIGTERM, or after `ms` when given. */
export function untilStopped(ms?: number): AbortSignal {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  if (ms !== undefined) setTimeout(() => stop.abort(), ms);
  return stop.signal;
}
