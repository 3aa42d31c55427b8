import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addPrecheck } from "./precheck.ts";
import { addWorkload } from "./workload.ts";

/** `experimental`, or `x`: where istioctl keeps commands that may still change. */
export function addExperimental(program: Command, context: CliContext): void {
  const experimental = program
    .command("experimental")
    .aliases(["x", "exp"])
    .description("commands that may still change");
  addPrecheck(experimental, context);
  addWorkload(experimental, context);
}
