import type { RunningContainer } from "../container/running-container.ts";
import { exitStatus } from "./command-status.ts";
import type { CommandStreams } from "./command-streams.ts";
import { endCommand, feed, followResize } from "./exec.ts";

/** Connects the client to a container's first process until that ends or the client leaves. */
export async function runAttach(running: RunningContainer, streams: CommandStreams): Promise<void> {
  const stop = running.listen((stream, chunk) => {
    const target = stream === "stdout" ? streams.stdout : streams.stderr;
    // A client that reads too slowly loses output rather than stopping the container.
    if (target && !target.destroyed && target.writableLength < 16 * 1024 * 1024) target.write(chunk);
  });
  if (streams.stdin && running.stdin) {
    const { stdin } = running;
    // A client that leaves must not end the program's input: another may attach.
    void feed(streams.stdin, { ...stdin, write: (data) => stdin.write(data), end: () => {} });
  }
  followResize(streams.resize, (columns, rows) => running.resize(columns, rows));
  await Promise.race([running.exited, streams.closed]);
  stop();
  // The exit code is the container's, which clients read from its status; the attachment itself has succeeded.
  await endCommand(streams, exitStatus(0, streams.structuredStatus));
}
