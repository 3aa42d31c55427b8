import type { Clock } from "@heddle/std";

export interface WaitOptions {
  readonly url: string;
  /** Units: ms. */
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly requestTimeoutMs: number;
}

/** Source: Istio `pilot-agent wait`. */
const DEFAULTS: WaitOptions = {
  url: "http://127.0.0.1:15021/healthz/ready",
  timeoutMs: 60_000,
  periodMs: 500,
  requestTimeoutMs: 500,
};

/** Flags of `heddle proxy wait`; istio's names. */
export function readWaitOptions(flag: (...names: string[]) => string | undefined): WaitOptions {
  const number = (name: string, fallback: number, unit = 1): number => {
    const value = Number(flag(name) ?? Number.NaN) * unit;
    return value > 0 ? value : fallback;
  };
  return {
    url: flag("--url") ?? DEFAULTS.url,
    timeoutMs: number("--timeoutSeconds", DEFAULTS.timeoutMs, 1000),
    periodMs: number("--periodMillis", DEFAULTS.periodMs),
    requestTimeoutMs: number("--requestTimeoutMillis", DEFAULTS.requestTimeoutMs),
  };
}

/** Waits until the sidecar is ready, so that the application behind it starts with a network. Gives undefined, or why it gave up. */
export async function waitReady(options: WaitOptions, clock: Clock): Promise<string | undefined> {
  const deadline = clock.monotonic() + options.timeoutMs;
  let last = "no answer";
  for (;;) {
    try {
      const response = await fetch(options.url, { signal: AbortSignal.timeout(options.requestTimeoutMs) });
      const text = (await response.text()).trim();
      if (response.ok) return undefined;
      last = text;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (clock.monotonic() + options.periodMs > deadline)
      return `the sidecar is not ready after ${options.timeoutMs / 1000} s: ${last}`;
    await new Promise<void>((resolve) => void clock.after(options.periodMs, resolve));
  }
}
