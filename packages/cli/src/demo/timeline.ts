/** Phases of the demo with the time that each took, told as they end. */
export interface Timeline {
  /** Runs one phase; `note` shows progress while it waits. */
  phase<T>(name: string, run: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** Name → ms, in order. */
  times(): readonly { readonly name: string; readonly ms: number }[];
}

export interface TimelineDeps {
  write(text: string): void;
  nowMs(): number;
  /** A terminal that can rewrite its line. */
  readonly live: boolean;
}

export function createTimeline({ write, nowMs, live }: TimelineDeps): Timeline {
  const done: { name: string; ms: number }[] = [];
  return {
    async phase(name, run) {
      const started = nowMs();
      let last = "";
      const seconds = () => `${((nowMs() - started) / 1000).toFixed(1)} s`;
      const note = (text: string) => {
        if (text === last) return;
        last = text;
        write(live ? `\r\u001b[2K… ${name}: ${text}` : `… ${name}: ${text}\n`);
      };
      if (live) write(`… ${name}`);
      try {
        const result = await run(note);
        done.push({ name, ms: nowMs() - started });
        write(`${live ? "\r\u001b[2K" : ""}√ ${name} (${seconds()})\n`);
        return result;
      } catch (error) {
        write(`${live ? "\r\u001b[2K" : ""}× ${name} (${seconds()})\n`);
        throw error;
      }
    },
    times: () => done,
  };
}
