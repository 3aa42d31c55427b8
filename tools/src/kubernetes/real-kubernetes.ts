import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { runCommand } from "../checks/run-command.ts";

/** A real Kubernetes cluster on this machine that tests may fill and break. */
export interface RealKubernetes {
  /** What test files get: `HEDDLE_TEST_KUBECONFIG`, and `HEDDLE_TEST_CONTAINERD`, the socket that takes images. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the cluster and removes what it left. */
  close(): Promise<void>;
}

/** Where the scripts that start one are, or why there are none. */
export type KubernetesFolder = { readonly folder: string } | { readonly missing: string };

const OWNER = "heddle-owner";
const START_TIMEOUT_S = 240;

/**
 * `HEDDLE_KUBE_DIR`, else `../shared/kube` beside this checkout, else beside the checkout that this one is a worktree or a local clone of.
 */
export async function findRealKubernetes(root: string, env: NodeJS.ProcessEnv): Promise<KubernetesFolder> {
  const named = env["HEDDLE_KUBE_DIR"];
  const places = named ? [resolve(root, named)] : await usualPlaces(root);
  const folder = places.find((p) => existsSync(join(p, "prepare.sh")));
  if (!folder) return { missing: `no real Kubernetes: ${places.join(" and ")} not there; HEDDLE_KUBE_DIR may name it` };
  if (process.getuid?.() !== 0) return { missing: `the Kubernetes of ${folder} needs root` };
  return { folder };
}

async function usualPlaces(root: string): Promise<readonly string[]> {
  const git = async (...args: string[]) => {
    const { code, output } = await runCommand(["git", ...args], root).catch(() => ({ code: 1, output: "" }));
    return code === 0 ? output.trim() : "";
  };
  const worktreeOf = await git("rev-parse", "--path-format=absolute", "--git-common-dir");
  const clonedFrom = (await git("config", "remote.origin.url")).replace(/^file:\/\//, "");
  const checkouts = [root, dirname(worktreeOf || join(root, ".git"))];
  if (clonedFrom.startsWith("/")) checkouts.push(clonedFrom.replace(/\/\.git\/?$/, ""));
  return [...new Set(checkouts.map((c) => join(c, "../shared/kube")))];
}

/** Starts a cluster under a number that nobody uses. Errors: what the scripts printed last. */
export async function startRealKubernetes(folder: string): Promise<RealKubernetes> {
  const printed = await must([join(folder, "prepare.sh")], folder);
  const rig = printed
    .split("\n")
    .find((line) => existsSync(join("/", line.trim(), "up.sh")))
    ?.trim();
  if (!rig) throw new Error(`${folder}/prepare.sh printed no folder that has an up.sh: ${printed.slice(-500)}`);
  await removeAbandoned(rig);
  const number = [9, 8, 7, 6, 4, 3, 2].find((n) => !existsSync(join("/run/netns", `kube${n}`)));
  if (number === undefined) throw new Error(`all cluster numbers are taken: ip netns list; ${rig}/down.sh N --purge`);
  const state = join(rig, "run", String(number));
  const close = async () => {
    await runCommand([join(rig, "down.sh"), String(number), "--purge"], "/");
  };
  await mkdir(state, { recursive: true });
  await writeFile(join(state, OWNER), String(process.pid));
  try {
    await must(["timeout", String(START_TIMEOUT_S), join(rig, "up.sh"), String(number)], "/");
  } catch (error) {
    await close();
    throw error;
  }
  return {
    env: {
      HEDDLE_TEST_KUBECONFIG: join(state, "cfg/admin.kubeconfig"),
      HEDDLE_TEST_CONTAINERD: join(state, "containerd/c.sock"),
    },
    close,
  };
}

/** Clusters of test runs that were killed. */
async function removeAbandoned(rig: string): Promise<void> {
  for await (const file of new Bun.Glob(`run/*/${OWNER}`).scan({ cwd: rig })) {
    const owner = Number(await readFile(join(rig, file), "utf8"));
    if (existsSync(`/proc/${owner}`)) continue;
    await runCommand([join(rig, "down.sh"), file.split("/")[1] ?? "", "--purge"], "/");
  }
}

async function must(argv: readonly string[], cwd: string): Promise<string> {
  const { code, output } = await runCommand([...argv], cwd);
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${output.trim().slice(-1500)}`);
  return output;
}
