import { isKubeError, type KubeClient } from "@heddle/kube-client";
import type { Clock, ClockTimer } from "@heddle/std";

/** Asks an API server now and then whether it is there: a watch over a line that is cut says nothing for minutes. */
export interface SilenceProbe {
  close(): void;
}

export interface SilenceProbeOptions {
  readonly kube: Pick<KubeClient, "request">;
  readonly clock: Clock;
  /** From an answer to the next question, and how long that may take. Units: ms. */
  readonly everyMs: number;
  /** Why there was no answer; "": there was one, of whatever status. */
  onAsked(silence: string): void;
}

class Probe implements SilenceProbe {
  readonly #options: SilenceProbeOptions;
  readonly #abort = new AbortController();
  #timer: ClockTimer;

  constructor(options: SilenceProbeOptions) {
    this.#options = options;
    this.#timer = this.#later();
  }

  close(): void {
    this.#abort.abort();
    this.#timer.cancel();
  }

  #later(): ClockTimer {
    return this.#options.clock.after(this.#options.everyMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { kube, everyMs, onAsked } = this.#options;
    let silence = "";
    try {
      const answer = await kube.request("GET", "/version", { timeoutMs: everyMs, signal: this.#abort.signal });
      await answer.body?.cancel();
    } catch (error) {
      if (isKubeError(error, 0)) silence = error.message;
    }
    if (this.#abort.signal.aborted) return;
    onAsked(silence);
    this.#timer = this.#later();
  }
}

/** The first question comes after `everyMs`. */
export function createSilenceProbe(options: SilenceProbeOptions): SilenceProbe {
  return new Probe(options);
}
