import type { Host } from "../upstream/host.ts";
import type { Attempt } from "./attempt.ts";

/** A try that was followed by another: the server answered badly, or not at all. */
export interface FailedTry {
  readonly host: Host;
  /** 0: no answer. */
  readonly status: number;
  /** It had a connection. */
  readonly connected: boolean;
}

/** What an exchange remembers of tries that went wrong; made with the first of them, so that most requests have none. */
export class FailedTries {
  readonly tries: FailedTry[] = [];
  /** Tries whose time was over and that may still answer. Source: Envoy `hedge_on_per_try_timeout`. */
  readonly hedged: Attempt[] = [];
  /** A new try waits for its back-off. */
  waiting = false;
  /** Connections that it was lost with, or left behind by, before it got another. */
  moves = 0;
  /** The last try ended because of its time limit. */
  timedOut = false;
  /** No try is left. */
  usedUp = false;

  /**
   * One of several tries has an answer (`bad`: one that asks for another try) or failed. Gives the try that goes on: `attempt` itself when
   * the client gets what it brings, `current` or none when others are still under way.
   */
  settle(attempt: Attempt, bad: boolean, current: Attempt | undefined): Attempt | undefined {
    const at = this.hedged.indexOf(attempt);
    if (at >= 0) this.hedged.splice(at, 1);
    const newest = at < 0 ? undefined : current;
    if (bad && (this.hedged.length > 0 || this.waiting || newest !== undefined)) {
      attempt.abandon();
      return newest;
    }
    newest?.abandon();
    this.waiting = false;
    this.abandonHedged();
    return attempt;
  }

  /** The others have lost: one answers, or nobody may any more. */
  abandonHedged(): void {
    for (const attempt of this.hedged.splice(0)) attempt.abandon();
  }
}
