/** `heddle local` as a user runs it, with a state directory of its own. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const PROGRAM = `${import.meta.dir}/../src/main.ts`;

export interface LocalClusters {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs a command to its end. */
  heddle(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  /** The process that holds a cluster. */
  ownerOf(name: string): number;
  /** Calls the API of a cluster as its administrator. */
  api(name: string, path: string, init?: { readonly method?: string; readonly body?: string }): Promise<Response>;
}

export function localClusters(state: string): LocalClusters {
  const env = { ...process.env, HEDDLE_STATE: state, HOME: state };
  const file = (name: string, of: string) => readFileSync(join(state, "clusters", name, of), "utf8");
  return {
    env,
    heddle(...args) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8", env });
      return { status, stdout, stderr };
    },
    ownerOf: (name) => JSON.parse(file(name, "cluster.json")).owner.pid,
    api(name, path, init = {}) {
      const text = file(name, "kubeconfig");
      const field = (key: string) => new RegExp(`${key}: "?([^"\\s]+)`).exec(text)?.[1] ?? "";
      const ca = Buffer.from(field("certificate-authority-data"), "base64").toString();
      const headers = { authorization: `Bearer ${field("token")}`, "content-type": "application/json" };
      return fetch(`${field("server")}${path}`, { ...init, headers, tls: { ca } });
    },
  };
}

/** All descendants of a process. */
export function descendants(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
