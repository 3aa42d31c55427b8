import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { at, listOf, textOf } from "../json-view.ts";
import { isMeshed } from "../pods.ts";

interface Flags {
  readonly short?: boolean;
  readonly client?: boolean;
  readonly proxy?: boolean;
  readonly remote?: boolean;
  readonly output?: string;
}

/** Tag of the control plane's image, or "unavailable". */
async function serverVersion(context: CliContext, global: GlobalOptions): Promise<string> {
  try {
    const kube = await context.kube(global);
    const deployment = await kube.get({
      group: "apps",
      version: "v1",
      resource: "deployments",
      name: "istiod",
      namespace: global.meshNamespace,
    });
    const image = textOf(at(listOf(at(deployment, "spec", "template", "spec", "containers"))[0], "image"));
    return image.split(":").at(-1) ?? "unavailable";
  } catch {
    return "unavailable";
  }
}

/** Image tag → number of sidecars that run it. */
async function proxyVersions(context: CliContext, global: GlobalOptions): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const kube = await context.kube(global);
  for (const pod of (await kube.list({ apiVersion: "v1", kind: "Pod" })).items.filter(isMeshed)) {
    const all = [...listOf(at(pod, "spec", "containers")), ...listOf(at(pod, "spec", "initContainers"))];
    const sidecar = all.find((c) => /^(istio|linkerd)-proxy$/.test(textOf(at(c, "name"))));
    const tag = textOf(at(sidecar, "image")).split(":").at(-1) ?? "unknown";
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return counts;
}

export function addVersion(program: Command, context: CliContext): void {
  program
    .command("version")
    .description("versions of this program, of the control plane and of the sidecars")
    .option("-s, --short", "only the numbers")
    .option("--client", "only this program")
    .option("--proxy", "the sidecars too")
    .option("--remote [yes]", "as istioctl: the sidecars too")
    .option("-o, --output <format>", "json")
    .action(async (flags: Flags, command: Command) => {
      const global = globalOptions(command);
      const server = flags.client ? undefined : await serverVersion(context, global);
      const proxies =
        (flags.proxy || flags.remote) && server !== "unavailable" ? await proxyVersions(context, global) : undefined;
      if (flags.output === "json") {
        context.out(
          `${JSON.stringify({ clientVersion: context.version, serverVersion: server, dataPlaneVersions: Object.fromEntries(proxies ?? []) })}\n`,
        );
        return;
      }
      const line = (name: string, value: string) =>
        context.out(flags.short ? `${value}\n` : `${name} version: ${value}\n`);
      line("Client", context.version);
      if (server !== undefined) line("Server", server);
      if (!proxies) return;
      context.out("Proxy versions:\n");
      for (const [tag, pods] of proxies) context.out(`\t${tag} (${pods} pods)\n`);
    });
}
