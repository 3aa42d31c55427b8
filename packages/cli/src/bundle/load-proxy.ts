import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { freshBundle } from "./stored-bundle.ts";

type Env = Readonly<Record<string, string | undefined>>;

interface ProxyRole {
  main(argv: readonly string[], env: Env): Promise<number>;
}

/**
 * The proxy's module: from a bundle where the clone has one of its sources as they are, else from the sources, and then a bundle is built beside
 * the running proxy for those that start later. 500 modules take 150 ms of processor time and 10 MiB more than one file does.
 * Images hold a bundle already. `HEDDLE_PROXY_BUNDLE=off`: always the sources.
 */
export async function loadProxy(env: Env): Promise<ProxyRole> {
  const fromSources = import.meta.path.endsWith(".ts");
  if (fromSources && env["HEDDLE_PROXY_BUNDLE"] !== "off") {
    const root = join(import.meta.dir, "../../../..");
    const bundle = freshBundle(root);
    if (bundle !== undefined) {
      const loaded = await import(bundle).catch(() => undefined);
      if (loaded !== undefined) return loaded;
    }
    buildLater(root);
  }
  return import("@heddle/proxy/main");
}

/** Who may not write there, such as the user of a sidecar, leaves it to others. */
function buildLater(root: string): void {
  try {
    accessSync(join(root, "node_modules"), constants.W_OK);
  } catch {
    return;
  }
  const builder = Bun.spawn(["nice", process.execPath, join(import.meta.dir, "build-bundle.ts"), root], {
    cwd: root,
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  });
  builder.unref();
}
