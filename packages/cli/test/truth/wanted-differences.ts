/** A difference that stays, with the reason. */
export interface WantedDifference {
  /** Steps where it may show. */
  readonly in: RegExp;
  /** Lines of the difference: `-` real, `+` embedded. */
  readonly line: RegExp;
  readonly reason: string;
}

/** Each must be seen at least once in a run, so that the list cannot go stale. */
export const wantedDifferences: readonly WantedDifference[] = [];
