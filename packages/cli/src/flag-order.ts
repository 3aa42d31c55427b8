import type { Command } from "commander";

/**
 * Puts flags that stand before or between command words behind them: `linkerd -n emojivoto check --proxy` is `linkerd check -n emojivoto
 * --proxy`. A flag there that the program doesn't know takes the next word as its value, unless it has `=`. Source: cobra's `Find`, which
 * both tools' command lines go through.
 */
export function commandWordsFirst(argv: readonly string[], program: Command): readonly string[] {
  const words: string[] = [];
  const flags: string[] = [];
  let command = program;
  let i = 0;
  while (i < argv.length) {
    const arg = argv[i] ?? "";
    if (arg === "--" || arg === "-") break;
    if (arg.startsWith("-")) {
      const known = program.options.find((option) => option.short === arg || option.long === arg);
      const takesValue = !arg.includes("=") && (known === undefined || known.required || known.optional);
      flags.push(...argv.slice(i, takesValue ? i + 2 : i + 1));
      i += takesValue ? 2 : 1;
      continue;
    }
    const next = command.commands.find((c) => c.name() === arg || c.aliases().includes(arg));
    if (next === undefined) break;
    words.push(arg);
    command = next;
    i++;
    if (command.commands.length === 0) break;
  }
  return words.length === 0 ? argv : [...words, ...flags, ...argv.slice(i)];
}
