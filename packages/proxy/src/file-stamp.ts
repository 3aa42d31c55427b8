import { statSync } from "node:fs";

/** Changes whenever what stands at the path is written or replaced; "": nothing that can be looked at. Links are followed. */
export function stampOf(path: string): string {
  try {
    const stat = statSync(path);
    return `${stat.ino}|${stat.mtimeMs}|${stat.size}`;
  } catch {
    return "";
  }
}
