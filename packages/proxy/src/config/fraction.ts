import { type FractionalPercent, FractionalPercent_DenominatorType } from "./proto.ts";

/** A percentage as 0…1. */
export function fractionOf(percent: FractionalPercent): number {
  switch (percent.denominator) {
    case FractionalPercent_DenominatorType.TEN_THOUSAND:
      return percent.numerator / 10_000;
    case FractionalPercent_DenominatorType.MILLION:
      return percent.numerator / 1_000_000;
    default:
      return percent.numerator / 100;
  }
}

/** The default of a runtime fraction: there is no runtime that could change it. */
export function runtimeFraction(
  message: { readonly defaultValue?: FractionalPercent | undefined } | undefined,
  absent: number,
): number {
  return message?.defaultValue === undefined ? absent : fractionOf(message.defaultValue);
}
