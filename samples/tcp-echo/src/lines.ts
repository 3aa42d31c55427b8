const MAX_LINE = 64 * 1024;

/** Cuts text into lines. */
export interface Lines {
  /** False: a line is too long to be kept. */
  push(text: string): boolean;
}

export function createLines(take: (line: string) => void): Lines {
  let rest = "";
  return {
    push(text) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) take(line);
      return rest.length <= MAX_LINE;
    },
  };
}
