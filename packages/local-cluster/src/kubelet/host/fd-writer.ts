import { closeSync, writeSync } from "node:fs";

/** Writes to a program's input. */
export interface FdWriter {
  /** Resolves when more may be written. What the program doesn't take any more is dropped. */
  write(data: Uint8Array): Promise<void>;
  end(): void;
  /** Writes nothing any more: the descriptor is gone or about to be. */
  close(): void;
}

/** For the non-blocking write end of a pipe; closes it at the end. */
export function createPipeWriter(fd: number): FdWriter {
  const sink = Bun.file(fd).writer();
  let closed = false;
  const end = (): void => {
    if (closed) return;
    closed = true;
    void Promise.resolve(sink.end())
      .catch(() => {})
      .finally(() => {
        try {
          closeSync(fd);
        } catch {
          // The sink has closed it.
        }
      });
  };
  return {
    async write(data) {
      if (closed || data.length === 0) return;
      try {
        sink.write(data);
        await sink.flush();
      } catch {
        end();
      }
    },
    end,
    close: end,
  };
}

const RETRY_MS = 5;
const END_OF_INPUT = Uint8Array.of(4);

/** For the controlling end of a terminal, which its reader closes. `end` types the end-of-input character. */
export function createTerminalWriter(fd: number): FdWriter {
  let gone = false;
  const write = async (data: Uint8Array): Promise<void> => {
    for (let sent = 0; sent < data.length && !gone; ) {
      try {
        sent += writeSync(fd, data, sent);
      } catch (error) {
        // The program reads slowly; anything else means that the terminal is gone.
        if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) gone = true;
        else await Bun.sleep(RETRY_MS);
      }
    }
  };
  return {
    write,
    end: () => void write(END_OF_INPUT),
    close() {
      gone = true;
    },
  };
}
