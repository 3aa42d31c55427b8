import { closeSync } from "node:fs";

/** Chunks from a pipe or terminal until its other end is closed; closes `fd` then. */
export async function* readFd(fd: number): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of Bun.file(fd).stream()) yield chunk;
  } catch (error) {
    // A terminal whose last program has gone says EIO where a pipe says end of file.
    if (!(error instanceof Error && "code" in error && (error.code === "EIO" || error.code === "EBADF"))) throw error;
  } finally {
    try {
      closeSync(fd);
    } catch {
      // The stream has closed it.
    }
  }
}

export async function* readFdLines(fd: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of readFd(fd)) {
    pending += decoder.decode(chunk, { stream: true });
    for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
      yield pending.slice(0, end);
      pending = pending.slice(end + 1);
    }
  }
  if (pending !== "") yield pending;
}
