import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { SeenFile } from "../config/secret.ts";
import { stampOf } from "../file-stamp.ts";

/** Reads secrets again whose files change, as certificates do that are renewed in place. */
export interface SecretFiles {
  /**
   * Replaces what was followed under that name; no files: nothing is.
   * @param reload Reads all of them. Gives a sentence when they can't be used, or not yet: one may come after the other.
   */
  follow(name: string, files: readonly SeenFile[], reload: () => string | undefined): void;
  start(): void;
  close(): void;
}

/** How often files are looked at. Units: ms. */
const POLL_MS = 500;

interface Followed {
  readonly paths: readonly string[];
  readonly reload: () => string | undefined;
  /** Of what is in service. */
  seen: string;
  /** Of what was refused last. */
  refused: string;
}

class PolledFiles implements SecretFiles {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #followed = new Map<string, Followed>();
  #timer: ClockTimer | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  follow(name: string, files: readonly SeenFile[], reload: () => string | undefined): void {
    if (files.length === 0) this.#followed.delete(name);
    else {
      const seen = files.map(({ stamp }) => stamp).join("\n");
      this.#followed.set(name, { paths: files.map(({ path }) => path), reload, seen, refused: "" });
    }
  }

  start(): void {
    this.#timer ??= this.#clock.every(POLL_MS, () => {
      for (const [name, one] of this.#followed) this.#look(name, one);
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(name: string, one: Followed): void {
    // Before they are read: what changes meanwhile is seen the next time.
    const stamps = stampsOf(one.paths);
    if (stamps === one.seen) return;
    const problem = one.reload();
    if (problem === undefined) {
      one.seen = stamps;
      this.#log.info("a secret was read again from its files", { secret: name });
    } else if (stamps !== one.refused) {
      one.refused = stamps;
      this.#log.warn("files of a secret changed and can't be used (yet); what was there before stays in service", {
        secret: name,
        reason: problem,
      });
    }
  }
}

function stampsOf(paths: readonly string[]): string {
  return paths.map(stampOf).join("\n");
}

export function createSecretFiles(clock: Clock, log: Logger): SecretFiles {
  return new PolledFiles(clock, log);
}
