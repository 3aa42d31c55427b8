import { closeSync } from "node:fs";
import { readFdLines } from "./fd-stream.ts";
import type { Syscalls } from "./syscalls.ts";

/** A pod's namespaces (network, host name, IPC), held by one idle process. */
export interface Sandbox {
  readonly pid: number;
  /** For connections into the pod; undefined with `hostNetwork`. */
  readonly networkNamespace: string | undefined;
  readonly exited: Promise<void>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly sysctls: readonly (readonly [string, string])[];
}

/** What a container runtime sets in each pod: programs without privileges may listen on low ports and ping. Source: containerd CRI. */
const SYSCTLS = [["net.ipv4.ip_unprivileged_port_start", "0"]] as const;

const SCRIPT = `
[ -z "$1" ] || echo "$1" >/proc/sys/kernel/hostname
shift
while [ $# -gt 0 ]; do echo "$2" >"/proc/sys/$1" || echo "failed $1"; shift 2; done
echo ready
exec >/dev/null sleep infinity
`;

/** Errors: rejects with the tool's message. */
export async function createSandbox(options: SandboxOptions, syscalls: Syscalls): Promise<Sandbox> {
  const output = syscalls.pipe(0, 0);
  const sysctls = options.hostNetwork ? [] : [...SYSCTLS, ...options.sysctls];
  const values = sysctls.flatMap(([name, value]) => [name.replaceAll(".", "/"), value]);
  const unshare = options.hostNetwork ? ["--ipc"] : ["--net", "--uts", "--ipc"];
  const hostname = options.hostNetwork ? "" : options.hostname;
  const child = Bun.spawn(["unshare", ...unshare, "--", "/bin/sh", "-c", SCRIPT, "pause", hostname, ...values], {
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", output.writeFd, output.writeFd],
  });
  closeSync(output.writeFd);
  const said: string[] = [];
  const lines = readFdLines(output.readFd);
  let ready = false;
  for (let next = await lines.next(); !next.done && !ready; ) {
    ready = next.value === "ready";
    if (!ready) {
      said.push(next.value);
      next = await lines.next();
    }
  }
  // The pause process keeps its standard error; nothing more is read from it.
  void lines.return(undefined);
  const failed = said.find((line) => line.startsWith("failed "));
  if (!ready || failed !== undefined) {
    child.kill("SIGKILL");
    throw new Error(
      `pod sandbox could not be made: ${said.join("; ") || `unshare ended with code ${await child.exited}`}`,
    );
  }
  let closed = false;
  return {
    pid: child.pid,
    networkNamespace: options.hostNetwork ? undefined : `/proc/${child.pid}/ns/net`,
    exited: child.exited.then(() => undefined),
    async close() {
      if (closed) return;
      closed = true;
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
