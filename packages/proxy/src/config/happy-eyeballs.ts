import {
  UpstreamConnectionOptions_FirstAddressFamilyVersion as Family,
  type UpstreamConnectionOptions_HappyEyeballsConfig,
  UpstreamConnectionOptions_HappyEyeballsConfigSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** The order in which the addresses of one server are tried. */
export interface HappyEyeballsConfig {
  /** The family that begins; `given`: that of the server's first address. */
  readonly first: "given" | "v4" | "v6";
  /** How many of it are tried before one of the other. */
  readonly count: number;
}

export const HAPPY_EYEBALLS_SHAPE = shape(UpstreamConnectionOptions_HappyEyeballsConfigSchema, [
  "first_address_family_version",
  "first_address_family_count",
]);

/** Errors: a count of 0. */
export function decodeHappyEyeballs(
  message: UpstreamConnectionOptions_HappyEyeballsConfig | undefined,
  scope: DecodeScope,
): HappyEyeballsConfig {
  if (message === undefined) return { first: "given", count: 1 };
  checkShape(HAPPY_EYEBALLS_SHAPE, message, scope);
  const count = message.firstAddressFamilyCount ?? 1;
  if (count < 1) scope.field("first_address_family_count").problem("must be at least 1");
  const version = message.firstAddressFamilyVersion;
  return { first: version === Family.V4 ? "v4" : version === Family.V6 ? "v6" : "given", count };
}
