/** Writes `docs/proxy.md`: `bin/bun packages/proxy/generate-docs.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { proxyReference } from "./src/docs/reference.ts";

writeFileSync(join(import.meta.dirname, "../../docs/proxy.md"), proxyReference());
