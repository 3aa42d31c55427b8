import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { podGet } from "../pod-http.ts";
import { findPods } from "../pods.ts";

const PROXY_METRICS = { port: 15020, path: "/stats/prometheus" };
const CONTROLLER_METRICS = { port: 15014, path: "/metrics" };

/** linkerd's `diagnostics`: what proxies and control plane count, unaggregated. */
export function addDiagnostics(program: Command, context: CliContext): void {
  const group = program.command("diagnostics").alias("dg").description("raw metrics of proxies and control plane");
  group
    .command("proxy-metrics <resource>")
    .description("metrics of each proxy of a pod or workload, such as deploy/web")
    .option("-n, --namespace <namespace>", "namespace of the resource")
    .action(async (resource: string, flags: { readonly namespace?: string }, command: Command) => {
      const kube = await context.kube(globalOptions(command));
      const { namespace, pods } = await findPods(kube, resource, flags.namespace ?? kube.namespace);
      for (const [i, pod] of pods.entries()) {
        const text = await podGet(kube, namespace, pod, PROXY_METRICS.port, PROXY_METRICS.path);
        context.out(`#\n# POD ${pod} (${i + 1} of ${pods.length})\n#\n${text}\n`);
      }
    });
  group
    .command("controller-metrics")
    .description("metrics of each replica of the control plane")
    .action(async (_flags: unknown, command: Command) => {
      const global = globalOptions(command);
      const kube = await context.kube(global);
      const { namespace, pods } = await findPods(kube, "deploy/istiod", await findMeshNamespace(kube, global));
      for (const [i, pod] of pods.entries()) {
        const text = await podGet(kube, namespace, pod, CONTROLLER_METRICS.port, CONTROLLER_METRICS.path);
        context.out(`#\n# POD ${pod} (${i + 1} of ${pods.length})\n# CONTAINER discovery\n#\n${text}\n`);
      }
    });
}
