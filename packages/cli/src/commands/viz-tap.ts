import type { NamedTapEvent } from "@heddle/viz";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { parseJsonPath } from "../viz/json-path.ts";
import { addTapFlags, runTap, type TapFlags, untilStopped } from "../viz/tap-flags.ts";
import { tapJson, tapLines } from "../viz/tap-line.ts";
import { createTopTable, renderTop } from "../viz/top-table.ts";

interface TapCommandFlags extends TapFlags {
  readonly output: string;
}

interface TopCommandFlags extends TapFlags {
  readonly hideSources?: boolean;
  readonly routes?: boolean;
  readonly once?: string;
}

const USUAL_HEADERS =
  "i pods with Envoy tell the usual headers only, as Envoy reports none that its configuration does not name; all headers: heddle.io/data-plane: heddle\n";

/** How often `top` draws. Units: ms. */
const DRAW_MS = 500;

export function addTap(viz: Command, context: CliContext): void {
  addTapFlags(viz.command("tap <resource...>"))
    .description(
      "requests of a resource's pods as they end, until Ctrl-C; who may forward a port to a pod may watch it",
    )
    .option(
      "-o, --output <format>",
      "wide (adds workloads and routes), json, jsonpath=TEMPLATE, or the default lines",
      "",
    )
    .action(async (words: string[], flags: TapCommandFlags, command: Command) => {
      const print = tapPrinter(flags.output);
      const kube = await context.kube(globalOptions(command));
      let count = 0;
      let noted = false;
      const problems = await runTap(kube, {
        words,
        flags,
        signal: untilStopped(),
        onEvent: (event) => {
          context.out(print(event, `${count++}:0`));
          if (noted || event.usualHeadersOnly !== true) return;
          noted = true;
          context.err(USUAL_HEADERS);
        },
        onDropped: (dropped) =>
          context.err(`‼ ${dropped} requests of one second were over --max-rps ${flags.maxRps}\n`),
      });
      report(context, problems);
    });
}

/** How `-o` writes an event. */
function tapPrinter(output: string): (event: NamedTapEvent, id: string) => string {
  const template = /^jsonpath=(.*)$/s.exec(output)?.[1];
  if (template !== undefined) {
    const print = parseJsonPath(template);
    return (event, id) => `${print(tapJson(event, id))}\n`;
  }
  if (output === "json") return (event, id) => `${JSON.stringify(tapJson(event, id), null, 2)}\n`;
  if (output !== "" && output !== "wide")
    throw new UsageError(`-o ${output}: expected wide, json or jsonpath=TEMPLATE`);
  return (event, id) => tapLines(event, id, output === "wide");
}

export function addTop(viz: Command, context: CliContext): void {
  addTapFlags(viz.command("top <resource...>"))
    .description("requests of a resource's pods summed up by path, live, until Ctrl-C or q")
    .option("--hide-sources", "one row for all callers of a destination")
    .option("--routes", "by route instead of by path")
    .option("--once <seconds>", "no screen: prints the table once after that time")
    .action(async (words: string[], flags: TopCommandFlags, command: Command) => {
      const seconds = flags.once === undefined ? undefined : Number(flags.once);
      if (seconds !== undefined && !(seconds > 0 && seconds <= 3600))
        throw new UsageError(`--once ${flags.once}: expected seconds, from 1 to 3600`);
      const kube = await context.kube(globalOptions(command));
      const table = createTopTable();
      const view = { hideSources: flags.hideSources === true, routes: flags.routes === true };
      const run = (signal: AbortSignal) =>
        runTap(kube, { words, flags, signal, onEvent: (event) => table.add(event), onDropped: () => undefined });
      const live = seconds === undefined && process.stdout.isTTY === true;
      if (!live) {
        const problems = await run(untilStopped(seconds === undefined ? undefined : seconds * 1000));
        context.out(renderTop(table.rows, view));
        return report(context, problems);
      }
      const screen = openScreen();
      try {
        const drawing = setInterval(() => screen.draw(renderTop(table.rows, view)), DRAW_MS);
        const problems = await run(AbortSignal.any([untilStopped(), screen.quit]));
        clearInterval(drawing);
        screen.close();
        report(context, problems);
      } finally {
        screen.close();
      }
    });
}

/** All pods refused: an error; some: a warning each. */
function report(context: CliContext, problems: readonly string[]): void {
  for (const problem of problems) context.err(`‼ ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

interface Screen {
  readonly quit: AbortSignal;
  draw(text: string): void;
  close(): void;
}

/** The terminal's second screen; the first one comes back unharmed. */
function openScreen(): Screen {
  const { stdin, stdout } = process;
  const quit = new AbortController();
  const onKey = (key: Buffer) => {
    if (key[0] === 3 || key[0] === 113) quit.abort();
  };
  stdout.write("\u001b[?1049h\u001b[?25l");
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on("data", onKey);
  }
  let open = true;
  return {
    quit: quit.signal,
    draw: (text) => {
      const lines = `(press q to quit)\n\n${text}`.split("\n").slice(0, stdout.rows - 1);
      stdout.write(`\u001b[H${lines.map((l) => `${l.slice(0, stdout.columns)}\u001b[K`).join("\r\n")}\u001b[J`);
    },
    close: () => {
      if (!open) return;
      open = false;
      stdout.write("\u001b[?25h\u001b[?1049l");
      if (!stdin.isTTY) return;
      stdin.setRawMode(false);
      stdin.off("data", onKey);
      stdin.pause();
    },
  };
}
