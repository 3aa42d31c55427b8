import { systemErrorText } from "./errno.ts";
import type { Libc } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;

/**
 * Runs `work` with this thread in another network namespace (`/proc/<pid>/ns/net`), then returns to its own.
 * `work` must be synchronous: sockets it opens and `/proc/sys/net` paths it touches belong to that namespace; nothing else of the process moves.
 * Errors: throws when the namespace can't be entered; ends the process when the thread can't come back, as everything after would act on the wrong network.
 */
export function inNetworkNamespace<T>(libc: Libc, path: string, work: () => T): T {
  const own = openNamespace(libc, "/proc/thread-self/ns/net");
  try {
    const other = openNamespace(libc, path);
    const entered = libc.setns(other, CLONE_NEWNET);
    const reason = entered < 0 ? systemErrorText(libc.lastError()) : "";
    libc.close(other);
    if (entered < 0) throw new Error(`network namespace ${path} not entered: ${reason}`);
    try {
      return work();
    } finally {
      if (libc.setns(own, CLONE_NEWNET) < 0) {
        process.stderr.write(
          `heddle: cannot return to my own network namespace: ${systemErrorText(libc.lastError())}\n`,
        );
        process.exit(70);
      }
    }
  } finally {
    libc.close(own);
  }
}

function openNamespace(libc: Libc, path: string): number {
  const fd = libc.open(path);
  if (fd < 0)
    throw new Error(
      `network namespace ${path} not opened: ${systemErrorText(libc.lastError())}; has its process ended?`,
    );
  return fd;
}
