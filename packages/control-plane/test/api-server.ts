import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ApiServerProcess {
  readonly kubeconfig: string;
  /** Of the server's process; undefined where it is not ours. */
  readonly pid: number | undefined;
  close(): void;
}

/** The API server that `HEDDLE_TEST_KUBECONFIG` names, else one of our own. */
export async function givenOrOwnApiServer(): Promise<ApiServerProcess> {
  const kubeconfig = process.env["HEDDLE_TEST_KUBECONFIG"];
  return kubeconfig ? { kubeconfig, pid: undefined, close: () => {} } : startApiServer();
}

/** The embedded cluster's API server as a process of its own. */
export async function startApiServer(): Promise<ApiServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "api-"));
  const program = join(import.meta.dirname, "../../local-cluster/test/api-dev.ts");
  const child = Bun.spawn([process.execPath, program], {
    env: { ...process.env, TMPDIR: folder },
    stdout: "pipe",
    stderr: "ignore",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const kubeconfig = new TextDecoder().decode(value).split(" ")[0] ?? "";
  if (!kubeconfig.includes(folder)) throw new Error(`the API server did not start: ${new TextDecoder().decode(value)}`);
  return {
    kubeconfig,
    pid: child.pid,
    close() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
