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

/** Lets everyone run in turn, round after round, so that what disturbs the machine disturbs all of them. */
export async function runRounds(
  contestants: readonly Contestant[],
  rounds: number,
  progress: (line: string) => void,
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
  const ours = samples.get("heddle");
  const ratios: Record<string, Record<string, Spread>> = {};
  const variants: Record<string, Record<string, Spread>> = {};
  for (const [name, all] of samples) {
    variants[name] = eachFigure(all, (figure) => spreadOf(all.map((sample) => sample[figure] ?? Number.NaN)));
    if (ours === undefined || name === "heddle") continue;
    ratios[`heddle/${name}`] = eachFigure(all, (figure) =>
      ratioSpread(
        ours.map((sample) => sample[figure] ?? Number.NaN),
        all.map((sample) => sample[figure] ?? Number.NaN),
      ),
    );
  }
  return { variants, ratios };
}

function eachFigure(samples: readonly Sample[], of: (figure: string) => Spread): Record<string, Spread> {
  return Object.fromEntries(Object.keys(samples[0] ?? {}).map((figure) => [figure, of(figure)]));
}
