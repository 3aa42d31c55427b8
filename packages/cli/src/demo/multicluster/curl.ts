import { text } from "node:stream/consumers";
import type { KubeClient } from "@heddle/kube-client";

const TIMEOUT_SECONDS = "5";

/** Calls from a pod of the sample `sleep`, as `kubectl exec` would. */
export async function curl(
  kube: KubeClient,
  namespace: string,
  pod: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const command = ["curl", "-sS", "-m", TIMEOUT_SECONDS, ...args];
  const session = await kube.exec(namespace, pod, command, { container: "sleep" });
  const [out, err, { exitCode }] = await Promise.all([text(session.stdout), text(session.stderr), session.done]);
  return { code: exitCode, out, err };
}
