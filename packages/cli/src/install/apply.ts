import { isKubeError, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { type CliContext, UsageError } from "../context.ts";
import { waitForPods } from "../demo/wait.ts";
import { withInstalledSettings } from "./installed.ts";
import { controlPlaneManifests, crdManifests, uninstallManifests } from "./manifests.ts";
import type { InstallOptions } from "./options.ts";
import { remoteNextSteps } from "./remote-profile.ts";

export interface ApplyFlags {
  readonly skipConfirmation?: boolean;
  readonly dryRun?: boolean;
  readonly readinessTimeout: string;
}

/** Asks before a cluster is changed, as istioctl does. Errors: UsageError when the answer is not yes. */
async function confirm(context: CliContext, question: string, flags: ApplyFlags): Promise<void> {
  if (flags.skipConfirmation || flags.dryRun) return;
  context.err(`${question} Proceed? (y/N) `);
  const answer = (await context.readStdin()).trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw new UsageError("Cancelled.");
}

export function timeoutMs(text: string): number {
  const m = /^(\d+)(s|m)(0s)?$/.exec(text);
  if (!m) throw new UsageError(`--readiness-timeout ${text}: expected a time such as 300s or 5m`);
  return Number(m[1]) * (m[2] === "m" ? 60_000 : 1000);
}

const GATEWAY_LINES = [
  ["Ingress", "ingress"],
  ["Egress", "egress"],
] as const;

const nameOf = ({ kind, metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name}`;

/** `istioctl install`: applies the manifests and waits until the control plane is ready. */
export async function applyInstall(
  context: CliContext,
  kube: KubeClient,
  wanted: InstallOptions,
  flags: ApplyFlags,
): Promise<void> {
  const options = wanted.gatewaysOnly ? await withInstalledSettings(kube, wanted) : wanted;
  const waitMs = timeoutMs(flags.readinessTimeout);
  const crds = options.gatewaysOnly ? [] : crdManifests();
  const objects = [...crds, ...controlPlaneManifests(options)] as readonly KubeObject[];
  if (flags.dryRun) {
    for (const object of objects) context.out(`would apply ${nameOf(object)}\n`);
    return;
  }
  await confirm(context, `This will install the mesh into the cluster, namespace ${options.namespace}.`, flags);
  await kube.applyObjects(objects);
  if (!options.gatewaysOnly) context.out("✔ Core installed\n");
  const dns = options.meshDns ? 1 : 0;
  const pods = dns + options.replicas + options.gateways.reduce((sum, gateway) => sum + gateway.replicas, 0);
  // Nothing can become ready before the other cluster's control plane was told.
  if (options.remote === undefined) await waitForPods(kube, options.namespace, pods, waitMs, () => undefined);
  if (options.remote !== undefined) context.err(remoteNextSteps(options.namespace, options.remote));
  else if (!options.gatewaysOnly) context.out("✔ Istiod installed\n");
  for (const [word, mark] of GATEWAY_LINES)
    if (options.gateways.some(({ name }) => name.includes(mark))) context.out(`✔ ${word} gateways installed\n`);
  if (dns > 0) context.out("✔ Mesh DNS (istiocoredns) installed\n");
  context.out("✔ Installation complete\n");
}

/** `istioctl uninstall --purge`: deletes what install created. What is gone already is no failure. */
export async function deleteInstall(
  context: CliContext,
  kube: KubeClient,
  options: InstallOptions,
  flags: ApplyFlags,
): Promise<void> {
  const objects = uninstallManifests(options) as readonly KubeObject[];
  if (flags.dryRun) {
    for (const object of objects) context.out(`would delete ${nameOf(object)}\n`);
    return;
  }
  await confirm(context, "All of the mesh's resources will be pruned from the cluster.", flags);
  for (const { apiVersion, kind, metadata } of objects) {
    const namespace = metadata.namespace;
    const ref = { apiVersion, kind, name: metadata.name, ...(namespace ? { namespace } : {}) };
    await kube.delete(ref).catch((error: unknown) => {
      // Without its definition there is no object either.
      if (!isKubeError(error, "UnknownKind")) throw error;
    });
  }
  context.out("✔ Uninstall complete\n");
}
