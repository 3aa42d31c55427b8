import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asKubeObject, crds } from "@heddle/config";
import { createKubeClient, isKubeError, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { type MeshSize, meshObjects, NAMESPACES, namespaceOf, namespaces } from "./objects.ts";

/** The API server that both control planes read. */
export interface ApiServer {
  readonly kubeconfig: string;
  readonly kube: KubeClient;
  readonly description: string;
  close(): Promise<void>;
}

const AT_ONCE = 32;

/** The one that `kubeconfig` names (it is filled with the bench's namespaces and emptied of them again), else the embedded cluster's. */
export async function openApiServer(kubeconfig: string | undefined, cpus: string | undefined): Promise<ApiServer> {
  if (kubeconfig !== undefined) {
    const kube = await createKubeClient({ kubeconfig, env: process.env });
    return { kubeconfig, kube, description: `Kubernetes at ${kube.server}`, close: () => removeNamespaces(kube) };
  }
  const folder = mkdtempSync(join(tmpdir(), "bench-api-"));
  const program = join(import.meta.dirname, "../../../packages/local-cluster/test/api-dev.ts");
  const pinned = cpus === undefined ? [] : ["taskset", "-c", cpus];
  const child = Bun.spawn([...pinned, process.execPath, program], {
    env: { ...process.env, TMPDIR: folder },
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  const path = new TextDecoder().decode(value).split(" ")[0] ?? "";
  const close = async (): Promise<void> => {
    child.kill();
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  if (!path.startsWith(folder)) {
    await close();
    throw new Error("the embedded cluster's API server did not start; give another with --kubeconfig FILE");
  }
  return {
    kubeconfig: path,
    kube: await createKubeClient({ kubeconfig: path, env: process.env }),
    description: "the embedded cluster's API server",
    close,
  };
}

/** Puts the mesh into the API server, or lets it grow from `from` services on. */
export async function fillMesh(kube: KubeClient, size: MeshSize, from: number): Promise<void> {
  if (from === 0) {
    await kube.applyObjects([...crds().flatMap((crd) => asKubeObject(crd) ?? []), ...namespaces()]);
    await putAll(kube, [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "istio", namespace: "istio-system" },
        data: { mesh: "{}" },
      },
    ]);
  }
  await putAll(kube, meshObjects(size, from));
}

async function putAll(kube: KubeClient, objects: readonly KubeObject[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let object = objects[next++]; object !== undefined; object = objects[next++]) {
      try {
        await kube.create(object);
      } catch (error) {
        if (!isKubeError(error) || error.code !== 409) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function removeNamespaces(kube: KubeClient): Promise<void> {
  for (let i = 0; i < NAMESPACES; i++)
    await kube.delete({ apiVersion: "v1", kind: "Namespace", name: namespaceOf(i) }).catch(() => false);
}
