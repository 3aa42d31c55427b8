import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../heddle-process.ts";
import { type Cluster, createCluster, run } from "./cluster.ts";

/** A real Kubernetes that the test runner brought, or why there is none. */
export type RealCluster =
  | { readonly kind: "here"; readonly kubeconfig: string; readonly kubectl: string; readonly containerd: string }
  | { readonly kind: "missing"; readonly reason: string };

export function findRealCluster(env: Readonly<Record<string, string | undefined>>): RealCluster {
  const kubeconfig = env["HEDDLE_TEST_KUBECONFIG"];
  const containerd = env["HEDDLE_TEST_CONTAINERD"];
  const kubectl = env["HEDDLE_KUBECTL"] ?? Bun.which("kubectl");
  if (!kubeconfig || !containerd) {
    const reason = env["HEDDLE_TEST_NO_KUBERNETES"] ?? "npm test -- kubernetes brings one";
    return { kind: "missing", reason: `no real Kubernetes to compare with: ${reason}` };
  }
  if (!kubectl) return { kind: "missing", reason: "no kubectl on PATH; HEDDLE_KUBECTL may name one" };
  return { kind: "here", kubeconfig, kubectl, containerd };
}

/** The cluster, with images of the project's image script on its node. `images`: parts of repository names. Errors: what a program printed. */
export async function prepareRealCluster(
  real: Extract<RealCluster, { kind: "here" }>,
  images: readonly string[],
): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "heddle-real-"));
  try {
    await succeed([process.execPath, join(root, "tools/src/images/main.ts"), folder, ...images]);
    for await (const archive of new Bun.Glob("*.tar").scan({ cwd: folder, absolute: true })) {
      await succeed(["ctr", "-a", real.containerd, "-n", "k8s.io", "images", "import", archive]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return createCluster("real", real.kubeconfig, real.kubectl);
}

async function succeed(argv: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(argv, { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${(stdout + stderr).slice(-1000)}`);
}
