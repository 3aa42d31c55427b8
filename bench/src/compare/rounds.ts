import { ratioSpread, type Spread, spreadOf } from "../measure/spread.ts";

/** What one round of one contestant gave: figures by name, units in the names. */
export type Sample = Readonly<Record<string, number>>;

/** One of those that are compared. */
export interface Contestant {
  readonly name: string;
  measure(): Promise<Sample>;
}

/** All figures of a comparison. */
export interface Comparison {
  readonly variants: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  /** `heddle/envoy` → figure → ratio, round by round. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
}

/**
 * Lets everyone run in turn, round after round, so that what disturbs the machine disturbs all of them.
 * `pairs`: whose ratios are made. Default: ours to everyone else.
 */
export async function runRounds(
  contestants: readonly Contestant[],
  rounds: number,
  progress: (line: string) => void,
  pairs: readonly (readonly [string, string])[] = contestants
    .filter(({ name }) => name !== "heddle")
    .map(({ name }) => ["heddle", name]),
): Promise<Comparison> {
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of contestants) {
      const sample = await contestant.measure();
      samples.get(contestant.name)?.push(sample);
      const [figure = "", value = Number.NaN] = Object.entries(sample)[0] ?? [];
      progress(`round ${round} of ${rounds}, ${contestant.name}: ${figure} ${value.toFixed(2)}`);
    }
  }
  const ratios: Record<string, Record<string, Spread>> = {};
  const variants: Record<string, Record<string, Spread>> = {};
  for (const [name, all] of samples)
    variants[name] = eachFigure(all, (figure) => spreadOf(all.map((sample) => sample[figure] ?? Number.NaN)));
  for (const [above, below] of pairs) {
    const [ours, others] = [samples.get(above), samples.get(below)];
    if (ours === undefined || others === undefined) continue;
    ratios[`${above}/${below}`] = eachFigure(others, (figure) =>
      ratioSpread(
        ours.map((sample) => sample[figure] ?? Number.NaN),
        others.map((sample) => sample[figure] ?? Number.NaN),
      ),
    );
  }
  return { variants, ratios };
}

function eachFigure(samples: readonly Sample[], of: (figure: string) => Spread): Record<string, Spread> {
  return Object.fromEntries(Object.keys(samples[0] ?? {}).map((figure) => [figure, of(figure)]));
}
