import { writeFileSync } from "node:fs";

/** Sysctl names with dots, and what to set. An interface name holds no dot here. */
export type Sysctls = Readonly<Record<string, string>>;

/** Sets kernel parameters of the calling thread's network namespace. Errors: throws naming the parameter. */
export function setSysctls(sysctls: Sysctls): void {
  for (const [name, value] of Object.entries(sysctls)) writeSysctl(name, value);
}

/** The same for parameters that not every kernel or user namespace allows. Gives those that were refused. */
export function trySysctls(sysctls: Sysctls): readonly string[] {
  return Object.entries(sysctls).flatMap(([name, value]) => {
    try {
      writeSysctl(name, value);
      return [];
    } catch {
      return [name];
    }
  });
}

function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, value);
  } catch (error) {
    throw new Error(`kernel parameter ${name} not set to ${value}: ${error instanceof Error ? error.message : error}`);
  }
}
