import { literalRegex } from "@heddle/std";
import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { profileObject } from "../profile/profile-object.ts";
import { addTapFlags, runTap, type TapFlags, untilStopped } from "../viz/tap-flags.ts";

interface Flags extends TapFlags {
  readonly tap: string;
  readonly tapDuration: string;
  readonly tapRouteLimit: string;
}

/** `viz profile --tap`: a ServiceProfile from what is asked now. Source: linkerd viz/cmd/profile.go. */
export function addProfile(viz: Command, context: CliContext): void {
  addTapFlags(viz.command("profile <service>"))
    .description("a ServiceProfile for a Service, with the routes that tap sees")
    .requiredOption("--tap <resource>", "whose requests are watched, as deploy/web")
    .option("--tap-duration <time>", "how long, as 5s or 1m", "5s")
    .option("--tap-route-limit <number>", "most routes", "20")
    .action(async (service: string, flags: Flags, command: Command) => {
      const m = /^(\d+)(s|m)$/.exec(flags.tapDuration);
      const durationMs = m ? Number(m[1]) * (m[2] === "m" ? 60_000 : 1000) : 0;
      if (!(durationMs > 0 && durationMs <= 600_000))
        throw new UsageError(`--tap-duration ${flags.tapDuration}: expected a time such as 5s or 1m, at most 10m`);
      const limit = Number(flags.tapRouteLimit);
      if (!Number.isInteger(limit) || limit < 1)
        throw new UsageError(`--tap-route-limit ${flags.tapRouteLimit}: expected a whole number above 0`);
      const kube = await context.kube(globalOptions(command));
      const namespace = flags.namespace ?? kube.namespace;
      const seen = new Map<string, { readonly method: string; readonly path: string }>();
      const problems = await runTap(kube, {
        words: [flags.tap],
        flags,
        signal: untilStopped(durationMs),
        onEvent: ({ direction, method, path }) => {
          if (direction !== "in" || seen.size >= limit) return;
          const bare = path.split("?")[0] ?? "";
          seen.set(`${method} ${bare}`, { method, path: bare });
        },
        onDropped: () => undefined,
      });
      for (const problem of problems) context.err(`‼ ${problem}\n`);
      if (seen.size === 0)
        throw new UsageError(
          `no request reached ${flags.tap} within ${flags.tapDuration}; try a longer --tap-duration`,
        );
      const routes = [...seen]
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([name, { method, path }]) => ({ name, condition: { method, pathRegex: literalRegex(path) } }));
      context.out(stringify(profileObject(service, namespace, "cluster.local", routes)));
    });
}
