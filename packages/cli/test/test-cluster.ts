import { createKubeClient, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { type RunningCluster, startCluster } from "@heddle/local-cluster";
import { waitForPods } from "../src/demo/wait.ts";
import { controlPlaneManifests, crdManifests } from "../src/install/manifests.ts";
import { defaultInstallOptions, type InstallOptions } from "../src/install/options.ts";

const READY_MS = 120_000;

/** An embedded cluster for one test file; it ends where `fill` fails. */
export async function startTestCluster<T>(
  name: string,
  fill: (cluster: RunningCluster, kube: KubeClient) => Promise<T>,
): Promise<T> {
  const cluster = await startCluster({
    name,
    env: process.env,
    uid: process.getuid?.() ?? 0,
    onWarning: (sentence) => console.error(sentence),
  });
  try {
    return await fill(cluster, await createKubeClient({ kubeconfig: cluster.kubeconfig, env: process.env }));
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

interface MeshChoice {
  readonly options?: Partial<InstallOptions>;
  /** How many pods it has. Default: 1. */
  readonly pods?: number;
  /** Applied ahead of the mesh, such as a `cacerts` Secret. */
  readonly before?: readonly KubeObject[];
}

/** Installs the mesh in namespace `istio-system` and waits for it. */
export async function installMesh(
  kube: KubeClient,
  { options = {}, pods = 1, before = [] }: MeshChoice,
): Promise<void> {
  const install = { ...defaultInstallOptions("0.1.0", "istio-system"), ...options };
  await kube.applyObjects([...before, ...crdManifests(), ...controlPlaneManifests(install)] as readonly KubeObject[]);
  await waitForPods(kube, install.namespace, pods, READY_MS, () => undefined);
}
