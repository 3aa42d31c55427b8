import type { Command } from "commander";
import type { KubeOptions } from "./context.ts";

/** Values of the flags that every command has. */
export interface GlobalOptions extends KubeOptions {
  readonly meshNamespace: string;
}

export function globalOptions(command: Command): GlobalOptions {
  const o: { kubeconfig?: string; context?: string; istioNamespace: string; linkerdNamespace?: string } =
    command.optsWithGlobals();
  return {
    meshNamespace: o.linkerdNamespace ?? o.istioNamespace,
    ...(o.kubeconfig ? { kubeconfig: o.kubeconfig } : {}),
    ...(o.context ? { context: o.context } : {}),
  };
}
