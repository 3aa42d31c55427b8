import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findEnvoy as install } from "../../../tools/src/prerequisites.ts";

/**
 * Makes Envoy findable for this process: where the machine has none, the package that carries it is installed into the cache of the tests.
 * Errors: none; why there is none is a sentence on standard error.
 */
export async function provideEnvoy(env: NodeJS.ProcessEnv): Promise<void> {
  if (findEnvoy(env) !== undefined) return;
  const found = await install(env);
  if ("path" in found) env["HEDDLE_ENVOY"] = found.path;
  else console.error(`no Envoy: ${found.missing}`);
}

/** The Envoy binary, or undefined where there is none. */
export function findEnvoy(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env["HEDDLE_ENVOY"];
  if (named !== undefined && named !== "") return named;
  // The Python package's own program is a script that starts the binary: ask for the binary, so that its process is the one measured.
  const code =
    "import importlib.util as u, os; print(os.path.join(os.path.dirname(u.find_spec('envoy').origin), '_bin', 'envoy'))";
  const packaged = spawnSync("python3", ["-c", code], { encoding: "utf8" }).stdout?.trim() ?? "";
  if (packaged !== "" && existsSync(packaged)) return packaged;
  return Bun.which("envoy") ?? undefined;
}

/** `1.40.0`, or what the program says. */
export function envoyVersion(path: string): string {
  const text = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "";
  return /\/(\d+\.\d+\.\d+)\//.exec(text)?.[1] ?? text.trim();
}
