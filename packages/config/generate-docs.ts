/** Writes `docs/istio.md`: `bin/bun packages/config/generate-docs.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { istioReference } from "./src/docs/field-table.ts";

writeFileSync(join(import.meta.dirname, "../../docs/istio.md"), istioReference());
