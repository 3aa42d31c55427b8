/** How many requests were answered lately, and how many of them well. Source: Envoy `ThreadLocalControllerImpl`. */
export interface AnswerWindow {
  readonly requests: number;
  readonly successes: number;
  /** Units: whole requests a second. */
  rate(): number;
  record(success: boolean): void;
  /** Forgets what is too old. */
  update(): void;
}

/** A sample takes up the answers of this long. */
const SAMPLE_MS = 1000;

interface Sample {
  readonly sinceMs: number;
  requests: number;
  successes: number;
}

class SampledAnswers implements AnswerWindow {
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  /** Oldest first; at most one for each second of the window, and one more. */
  readonly #samples: Sample[] = [];
  requests = 0;
  successes = 0;

  constructor(windowMs: number, nowMs: () => number) {
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
  }

  update(): void {
    const nowMs = this.#nowMs();
    for (;;) {
      const oldest = this.#samples[0];
      if (oldest === undefined || nowMs - oldest.sinceMs < this.#windowMs) break;
      this.#samples.shift();
      this.requests -= oldest.requests;
      this.successes -= oldest.successes;
    }
    const newest = this.#samples[this.#samples.length - 1];
    if (newest === undefined || nowMs - newest.sinceMs >= SAMPLE_MS)
      this.#samples.push({ sinceMs: nowMs, requests: 0, successes: 0 });
  }

  record(success: boolean): void {
    this.update();
    const newest = this.#samples[this.#samples.length - 1];
    if (newest === undefined) return;
    newest.requests++;
    this.requests++;
    if (!success) return;
    newest.successes++;
    this.successes++;
  }

  rate(): number {
    const oldest = this.#samples[0];
    if (oldest === undefined) return 0;
    const seconds = Math.max(1, Math.trunc((this.#nowMs() - oldest.sinceMs) / 1000));
    return Math.trunc(this.requests / seconds);
  }
}

/** `windowMs`: answers count for so long. */
export function createAnswerWindow(windowMs: number, nowMs: () => number): AnswerWindow {
  return new SampledAnswers(windowMs, nowMs);
}
