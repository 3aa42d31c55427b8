import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { proxyCounts, type RemoteVersions, remoteVersions } from "../version/versions.ts";

interface Flags {
  readonly short?: boolean | string;
  readonly client?: boolean;
  readonly proxy?: boolean;
  readonly remote?: boolean | string;
  readonly output?: string;
}

interface Found {
  readonly namespace: string;
  readonly remote: RemoteVersions | undefined;
  /** Why there is nothing of the cluster. */
  readonly gap: string;
}

const yes = (flag: boolean | string | undefined): boolean => flag === true || flag === "true";

async function lookAtCluster(context: CliContext, global: GlobalOptions): Promise<Found> {
  let namespace = global.meshNamespace;
  try {
    const kube = await context.kube(global);
    namespace = await findMeshNamespace(kube, global);
    const remote = await remoteVersions(kube, namespace);
    const none = `The mesh is not present in the cluster: no running pod with label app=istiod in namespace "${namespace}"`;
    return { namespace, remote, gap: remote.controlPlane.length === 0 ? none : "" };
  } catch (error) {
    return { namespace, remote: undefined, gap: error instanceof Error ? error.message : String(error) };
  }
}

/** istioctl's object. Source: istio.io/istio/operator/cmd/mesh version. */
function versionObject(context: CliContext, found: Found | undefined) {
  return {
    clientVersion: { version: context.version },
    ...(found?.remote && found.remote.controlPlane.length > 0
      ? {
          meshVersion: found.remote.controlPlane.map((version) => ({
            Component: "pilot",
            Revision: "default",
            Info: { version },
          })),
          dataPlaneVersion: found.remote.proxies.map(({ id, version, dataPlane }) => ({
            ID: id,
            IstioVersion: version,
            DataPlane: dataPlane,
          })),
        }
      : {}),
  };
}

function printIstio(context: CliContext, found: Found | undefined, short: boolean): void {
  if (found?.gap) context.err(`${found.gap}\n`);
  const line = (name: string, value: string) => context.out(short ? `${value}\n` : `${name} version: ${value}\n`);
  line("client", context.version);
  if (!found?.remote || found.remote.controlPlane.length === 0) return;
  line("control plane", found.remote.controlPlane.join(", "));
  const counts = proxyCounts(found.remote.proxies).map(
    ([version, count]) => `${version} (${count} ${count === 1 ? "proxy" : "proxies"})`,
  );
  line("data plane", counts.join(", ") || "none");
}

function printLinkerd(context: CliContext, found: Found | undefined, flags: Flags): void {
  const short = flags.short !== undefined;
  const line = (name: string, value: string) => context.out(short ? `${value}\n` : `${name} version: ${value}\n`);
  line("Client", context.version);
  if (found === undefined) return;
  line("Server", found.remote?.controlPlane.join(", ") || "unavailable");
  if (!flags.proxy || !found.remote) return;
  context.out("Proxy versions:\n");
  for (const [tag, pods] of proxyCounts(found.remote.proxies)) context.out(`\t${tag} (${pods} pods)\n`);
}

export function addVersion(program: Command, context: CliContext): void {
  program
    .command("version")
    .description("versions of this program, of the control plane and of the sidecars")
    .option("-s, --short [yes]", "only the numbers")
    .option("--client", "only this program")
    .option("--proxy", "as linkerd: the sidecars too")
    .option("--remote [yes]", "as istioctl: --remote=false asks no cluster")
    .option("-o, --output <format>", "json or yaml")
    .action(async (flags: Flags, command: Command) => {
      const { output } = flags;
      if (output !== undefined && output !== "json" && output !== "yaml")
        throw new UsageError(`-o ${output}: expected json or yaml`);
      const alone = flags.client || flags.remote === "false";
      const found = alone ? undefined : await lookAtCluster(context, globalOptions(command));
      if (output !== undefined) {
        if (found?.gap) context.err(`${found.gap}\n`);
        const object = versionObject(context, found);
        context.out(output === "yaml" ? stringify(object) : `${JSON.stringify(object, null, 2)}\n`);
      } else if (context.dialect === "linkerd") printLinkerd(context, found, flags);
      else printIstio(context, found, yes(flags.short));
    });
}
