import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Cases in folders of their own: `in.yaml`, whose first line says what it proves, beside what has to come of it. */
export interface GoldenFolder {
  names(): readonly string[];
  /** Errors: throws when there is no first line that says what the case proves. */
  input(name: string): { readonly text: string; readonly proves: string };
  /** "" where nothing was written yet. */
  expected(name: string): string;
  /** Writes what is not as `actual` gives it. */
  rewrite(actual: (name: string) => Promise<string>): Promise<void>;
}

/** @param output Name of the file that holds what has to come of a case. */
export function goldenFolder(folder: string, output: string): GoldenFolder {
  const names = () => readdirSync(folder).sort();
  const expected = (name: string): string => {
    try {
      return readFileSync(join(folder, name, output), "utf8");
    } catch {
      return "";
    }
  };
  return {
    names,
    expected,
    input(name) {
      const text = readFileSync(join(folder, name, "in.yaml"), "utf8");
      const proves = /^# (.+)/.exec(text)?.[1];
      if (proves === undefined) throw new Error(`${name}/in.yaml has to begin with "# " and what it proves`);
      return { text, proves };
    },
    async rewrite(actual) {
      for (const name of names()) {
        const text = await actual(name);
        if (text === expected(name)) continue;
        const file = join(folder, name, output);
        writeFileSync(file, text);
        console.log(`rewrote ${relative(process.cwd(), file)}`);
      }
    },
  };
}
