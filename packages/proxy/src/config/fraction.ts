import type { RuntimeFlag, RuntimeNumber, RuntimeShare } from "../runtime/runtime.ts";
import { type FractionalPercent, FractionalPercent_DenominatorType } from "./proto.ts";

/** A percentage as 0…1. */
export function fractionOf(percent: FractionalPercent): number {
  return percent.numerator / denominatorOf(percent);
}

/** What a percentage is a part of. */
export function denominatorOf(percent: FractionalPercent | undefined): number {
  switch (percent?.denominator) {
    case FractionalPercent_DenominatorType.TEN_THOUSAND:
      return 10_000;
    case FractionalPercent_DenominatorType.MILLION:
      return 1_000_000;
    default:
      return 100;
  }
}

/** A share that the runtime may replace. `absent`: where the message is. */
export function runtimeFraction(
  message: { readonly defaultValue?: FractionalPercent | undefined; readonly runtimeKey?: string } | undefined,
  absent: number,
): RuntimeShare {
  const base = message?.defaultValue === undefined ? absent : fractionOf(message.defaultValue);
  return { key: message?.runtimeKey ?? "", base };
}

/** A switch that the runtime may replace. */
export function runtimeFlag(
  message: { readonly defaultValue?: boolean | undefined; readonly runtimeKey: string } | undefined,
  absent: boolean,
): RuntimeFlag {
  return { key: message?.runtimeKey ?? "", base: message?.defaultValue ?? absent };
}

/** A number that the runtime may replace. `absent`: where the message is. */
export function runtimeNumber(
  message: { readonly defaultValue: number; readonly runtimeKey: string } | undefined,
  absent: number,
): RuntimeNumber {
  return { key: message?.runtimeKey ?? "", base: message?.defaultValue ?? absent };
}
