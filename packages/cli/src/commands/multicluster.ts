import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { INGRESS } from "../install/gateway-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { gatewayAddresses, globalEntry } from "../multicluster/global-entry.ts";
import { addLinkCommands } from "../multicluster/links/commands.ts";
import { renderManifests } from "../output.ts";
import { addMulticlusterCheck } from "./check.ts";

const collect = (value: string, all: readonly string[]) => [...all, value];

/** `heddle multicluster`: one mesh over several clusters. */
export function addMulticluster(program: Command, context: CliContext): void {
  if (context.dialect === "istioctl") return;
  const group = program.command("multicluster").alias("mc").description("one mesh over several clusters");
  addLinkCommands(group, context);
  addMulticlusterCheck(group, context);
  if (context.dialect === "linkerd") return;
  group
    .command("expose <service>")
    .description("print the ServiceEntry by which other clusters call a Service of this one as name.namespace.global")
    .option("-n, --namespace <namespace>", "namespace of the Service")
    .option("--gateway <address>", "address of this cluster's gateway, several times for several", collect, [])
    .action(
      async (
        name: string,
        flags: { readonly namespace?: string; readonly gateway: readonly string[] },
        command: Command,
      ) => {
        const global = globalOptions(command);
        const kube = await context.kube(global);
        const of = (namespace: string, service: string) =>
          kube.get({ apiVersion: "v1", kind: "Service", namespace, name: service });
        const service = await of(flags.namespace ?? kube.namespace, name.replace(/^(svc|services?)\//, ""));
        const addresses =
          flags.gateway.length > 0
            ? flags.gateway
            : gatewayAddresses(await of(await findMeshNamespace(kube, global), INGRESS));
        context.out(renderManifests([globalEntry(service, addresses)], "yaml"));
        context.err("apply it in the other cluster: | kubectl --context OTHER apply -n NAMESPACE -f -\n");
      },
    );
}
