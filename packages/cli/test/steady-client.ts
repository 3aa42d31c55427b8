/** One answer of a fixed-rate client. */
interface Answer {
  readonly atMs: number;
  readonly ok: boolean;
  /** Who answered: header `x-from`; "" where it says nothing. */
  readonly from: string;
}

/** Units: ms. */
export const CALL_EVERY_MS = 100;

/** How long a call may take. Units: ms. */
const PATIENCE_MS = 10_000;

/** A client that calls at a fixed rate, whatever becomes of earlier calls. */
export interface SteadyClient {
  /** Answers since `sinceMs`. Units: ms of `performance.now`. */
  since(sinceMs: number): { readonly answers: number; readonly failures: number };
  /** From a fault to the end of its last failure; 0 when there was none. Units: ms. */
  recoveryMs(sinceMs: number): number;
  /** `12 12 9/12 12`: successes (of answers, where some failed) in each second since then. */
  perSecond(sinceMs: number): string;
  /** How many of the good answers since then each server gave. */
  shares(sinceMs: number): ReadonlyMap<string, number>;
  /** The same, second by second: `east 20 | east 14 west 6`. */
  sharesPerSecond(sinceMs: number): string;
  close(): Promise<void>;
}

/** Each call has a connection of its own. @param command runs a program in the client's pod. */
export function startSteadyClient(
  command: readonly string[],
  url: string,
  env: Readonly<Record<string, string>>,
  everyMs = CALL_EVERY_MS,
): SteadyClient {
  const script = `
    const say = (text) => process.stdout.write(text + "\\n");
    setInterval(async () => {
      try {
        const answer = await fetch(${JSON.stringify(url)}, { keepalive: false, signal: AbortSignal.timeout(${PATIENCE_MS}) });
        await answer.text();
        say(answer.status + " " + (answer.headers.get("x-from") ?? ""));
      } catch {
        say("0 ");
      }
    }, ${everyMs});`;
  const child = Bun.spawn([...command, "/opt/heddle/bun", "-e", script], {
    env: { ...process.env, ...env },
    stderr: "ignore",
  });
  const answers: Answer[] = [];
  const reading = (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [status, from = ""] = line.split(" ");
        answers.push({ atMs: performance.now(), ok: status === "200", from });
      }
    }
  })();
  const after = (sinceMs: number) => answers.filter(({ atMs }) => atMs >= sinceMs);
  const bySecond = (sinceMs: number): readonly (readonly Answer[])[] => {
    const found = after(sinceMs);
    const seconds: Answer[][] = [];
    for (let start = sinceMs; start < (found.at(-1)?.atMs ?? 0); start += 1000)
      seconds.push(found.filter(({ atMs }) => atMs >= start && atMs < start + 1000));
    return seconds;
  };
  return {
    since: (sinceMs) => {
      const found = after(sinceMs);
      return { answers: found.length, failures: found.filter(({ ok }) => !ok).length };
    },
    recoveryMs: (sinceMs) => {
      const last = after(sinceMs).findLast(({ ok }) => !ok);
      return last === undefined ? 0 : last.atMs - sinceMs;
    },
    perSecond: (sinceMs) =>
      bySecond(sinceMs)
        .map((own) => {
          const good = own.filter(({ ok }) => ok).length;
          return good === own.length ? `${good}` : `${good}/${own.length}`;
        })
        .join(" "),
    shares: (sinceMs) => countedByServer(after(sinceMs)),
    sharesPerSecond: (sinceMs) =>
      bySecond(sinceMs)
        .map((own) => [...countedByServer(own)].map(([from, count]) => `${from} ${count}`).join(" ") || "nobody")
        .join(" | "),
    async close() {
      child.kill();
      await Promise.all([child.exited, reading]);
    },
  };
}

function countedByServer(answers: readonly Answer[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const { ok, from } of answers) if (ok) counted.set(from, (counted.get(from) ?? 0) + 1);
  return new Map([...counted].sort(([a], [b]) => (a < b ? -1 : 1)));
}
