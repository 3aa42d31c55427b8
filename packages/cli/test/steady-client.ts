/** One answer of a fixed-rate client. */
interface Answer {
  readonly atMs: number;
  readonly ok: boolean;
}

/** Units: ms. */
export const CALL_EVERY_MS = 200;

/** A client that calls at a fixed rate, whatever becomes of earlier calls. */
export interface SteadyClient {
  /** Answers since `sinceMs`. Units: ms of `performance.now`. */
  since(sinceMs: number): { readonly answers: number; readonly failures: number };
  /** From a fault to the end of its last failure; 0 when there was none. Units: ms. */
  recoveryMs(sinceMs: number): number;
  /** `12 12 9/12 12`: successes (of answers, where some failed) in each second since then. */
  perSecond(sinceMs: number): string;
  close(): Promise<void>;
}

/** Each call is a process of its own; `call` prints its status code and a line feed. @param command runs a shell in the client's pod. */
export function startSteadyClient(
  command: readonly string[],
  call: string,
  env: Readonly<Record<string, string>>,
): SteadyClient {
  const script = `while :; do ${call} & sleep ${CALL_EVERY_MS / 1000}; done`;
  const child = Bun.spawn([...command, "sh", "-c", script], { env: { ...process.env, ...env }, stderr: "ignore" });
  const answers: Answer[] = [];
  const reading = (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) answers.push({ atMs: performance.now(), ok: line === "200" });
    }
  })();
  const after = (sinceMs: number) => answers.filter(({ atMs }) => atMs >= sinceMs);
  return {
    since: (sinceMs) => {
      const found = after(sinceMs);
      return { answers: found.length, failures: found.filter(({ ok }) => !ok).length };
    },
    recoveryMs: (sinceMs) => {
      const last = after(sinceMs).findLast(({ ok }) => !ok);
      return last === undefined ? 0 : last.atMs - sinceMs;
    },
    perSecond: (sinceMs) => {
      const found = after(sinceMs);
      const seconds: string[] = [];
      for (let start = sinceMs; start < (found.at(-1)?.atMs ?? 0); start += 1000) {
        const own = found.filter(({ atMs }) => atMs >= start && atMs < start + 1000);
        const good = own.filter(({ ok }) => ok).length;
        seconds.push(good === own.length ? `${good}` : `${good}/${own.length}`);
      }
      return seconds.join(" ");
    },
    async close() {
      child.kill();
      await Promise.all([child.exited, reading]);
    },
  };
}
