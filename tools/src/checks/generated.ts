import { existsSync } from "node:fs";
import { join } from "node:path";
import { currentStamp, envoyMessages, storedStamp } from "../generated/stamp.ts";
import type { Check } from "./check.ts";

/** Generated folders are what their inputs gave, unedited. (docs/istio.md is compared by a unit test of `config`.) */
export const generated: Check = {
  name: "generated",
  async run(root) {
    if (!existsSync(join(root, envoyMessages.output))) return [];
    const [stored, current] = [await storedStamp(root, envoyMessages), await currentStamp(root, envoyMessages)];
    const where = envoyMessages.output;
    if (stored === undefined) return [{ where, what: "has no stamp; run npm run generate -- xds-api" }];
    if (stored.inputs !== current.inputs)
      return [{ where, what: `is older than ${envoyMessages.inputs.join(" or ")}; run npm run generate -- xds-api` }];
    if (stored.output !== current.output)
      return [{ where, what: "was edited after it was generated; change the generator and run npm run generate" }];
    return [];
  },
};
