import { expect, test } from "bun:test";
import { Command } from "commander";
import { commandWordsFirst } from "./flag-order.ts";

const program = new Command("linkerd").option("--context <name>").option("--verbose");
program.command("check");
program.command("viz").command("stat");

test.each([
  ["check --proxy", "check --proxy"],
  ["-n emojivoto check --proxy", "check -n emojivoto --proxy"],
  ["--context dev check", "check --context dev"],
  ["--verbose check", "check --verbose"],
  ["-n=a viz -o json stat deploy -t 1m", "viz stat -n=a -o json deploy -t 1m"],
  ["viz --help", "viz --help"],
  ["--help", "--help"],
  ["check", "check"],
  ["viz stat -- -n", "viz stat -- -n"],
  ["nonsense -n a", "nonsense -n a"],
  ["-n", "-n"],
  ["", ""],
])("%p becomes %p", (given, expected) => {
  expect(commandWordsFirst(given.split(" "), program).join(" ")).toBe(expected);
});
