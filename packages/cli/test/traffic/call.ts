/** A request that a pod is to send: `http://host:port/path` or `tcp://host:port`. */
export interface Call {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM of whom the server's certificate has to be from, for `https:`. */
  readonly ca?: string;
}

/** What came back; status 0 is no answer at all, `text` then says why. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly ms: number;
}

/** What the echo server said about itself and the request; undefined for answers that are not its own. */
export interface Echo {
  readonly pod: string;
  readonly version: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function echoOf(answer: Answer | undefined): Echo | undefined {
  try {
    return JSON.parse(answer?.text ?? "") as Echo;
  } catch {
    return undefined;
  }
}

/** How many answers came from each version. */
export function versions(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const answer of answers) {
    const version = echoOf(answer)?.version ?? `status ${answer.status}`;
    found[version] = (found[version] ?? 0) + 1;
  }
  return found;
}

/** Sends requests from the pod whose caller is reached at `base`, one after the other unless `parallel`. */
export async function callFrom(base: string, call: Call, times = 1, parallel = false): Promise<readonly Answer[]> {
  const body = JSON.stringify({ call, times, parallel });
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`${base}/calls`, { method: "POST", body, signal });
  if (response.status !== 200) throw new Error(`the caller answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as readonly Answer[];
}
