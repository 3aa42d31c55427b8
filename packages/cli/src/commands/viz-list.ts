import { at, textOf } from "@heddle/std";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { renderTable } from "../output.ts";
import { isMeshed } from "../pods.ts";

/** `viz list`: which pods can be watched. Source: linkerd viz/cmd/list.go. */
export function addList(viz: Command, context: CliContext): void {
  viz
    .command("list")
    .description("pods with a proxy, and whether tap may watch them")
    .option("-n, --namespace <namespace>", "namespace to look at (default: the kubeconfig's)")
    .option("-A, --all-namespaces", "all namespaces")
    .option("-o, --output <format>", "table or json", "table")
    .action(
      async (
        flags: { readonly namespace?: string; readonly allNamespaces?: boolean; readonly output: string },
        command: Command,
      ) => {
        if (flags.output !== "table" && flags.output !== "json")
          throw new UsageError(`-o ${flags.output}: expected table or json`);
        const kube = await context.kube(globalOptions(command));
        const namespace = flags.allNamespaces ? undefined : (flags.namespace ?? kube.namespace);
        const pods = await kube.list({ apiVersion: "v1", kind: "Pod", ...(namespace ? { namespace } : {}) });
        const rows = pods.items.filter(isMeshed).map((pod) => {
          const note = (key: string) => textOf(at(pod, "metadata", "annotations", key));
          const reason =
            note("viz.linkerd.io/disable-tap") === "true" || note("config.linkerd.io/disable-tap") === "true"
              ? "opted out (viz.linkerd.io/disable-tap)"
              : textOf(at(pod, "status", "phase")) === "Running"
                ? ""
                : "not running";
          return { namespace: pod.metadata.namespace ?? "", pod: pod.metadata.name, tap: reason === "", reason };
        });
        if (flags.output === "json") return context.out(`${JSON.stringify(rows, null, 2)}\n`);
        if (rows.length === 0)
          return context.err(`No pods with a proxy${namespace ? ` in namespace ${namespace}` : ""}.\n`);
        context.out(
          renderTable(
            ["NAMESPACE", "POD", "TAP"],
            rows.map((r) => [r.namespace, r.pod, r.tap ? "√" : `× (${r.reason})`]),
          ),
        );
      },
    );
}
