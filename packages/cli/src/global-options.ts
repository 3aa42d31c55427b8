import type { Command } from "commander";
import type { KubeOptions } from "./context.ts";

/** Values of the flags that every command has. */
export interface GlobalOptions extends KubeOptions {
  readonly meshNamespace: string;
  /** Whether the user named it; else the mesh may be found elsewhere (see mesh-namespace.ts). */
  readonly meshNamespaceGiven: boolean;
}

export function globalOptions(command: Command): GlobalOptions {
  const o: { kubeconfig?: string; context?: string; istioNamespace: string; linkerdNamespace?: string } =
    command.optsWithGlobals();
  let root = command;
  while (root.parent) root = root.parent;
  return {
    meshNamespaceGiven: o.linkerdNamespace !== undefined || root.getOptionValueSource("istioNamespace") !== "default",
    meshNamespace: o.linkerdNamespace ?? o.istioNamespace,
    ...(o.kubeconfig ? { kubeconfig: o.kubeconfig } : {}),
    ...(o.context ? { context: o.context } : {}),
  };
}
