import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import type { DiffFlags, RequestFlags } from "../explain/run.ts";

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addExplain(program: Command, context: CliContext): void {
  const group = program
    .command("explain")
    .description("why a request goes where it goes, and what a change would change");
  shared(
    group
      .command("request")
      .description(
        "the way of a request, step by step: which listener, route, cluster and endpoint, and which resource decided each",
      )
      .requiredOption(
        "--from <pod|file>",
        "who sends: pod, name.namespace, deploy/name; or a file with a proxy's /config_dump?include_eds",
      )
      .requiredOption(
        "--to <url>",
        "http://host:port/path, https://, grpc://, tls:// or tcp://host:port, as the application dials it",
      )
      .option("-H, --header <name: value>", "a request header; may be repeated", collect, [])
      .option("-X, --method <method>", "GET, POST …")
      .option(
        "-f, --filename <file>",
        "explain these manifests instead of the cluster (with --use-kube: on top of it)",
        collect,
        [],
      ),
  ).action(async (flags: RequestFlags, command: Command) => {
    // What generates configuration is loaded only when it is asked for: other commands start faster.
    const { explain } = await import("../explain/run.ts");
    await explain(context, flags, command);
  });
  shared(
    group
      .command("diff [files...]")
      .description("which workloads' listeners, routes, clusters and endpoints a change of manifests would change")
      .option("-f, --filename <file>", "the changed manifests; may be repeated", collect, [])
      .option("--base <file>", "compare with these manifests instead of the cluster; may be repeated", collect, [])
      .option("--delete", "what the files hold is deleted, not applied"),
  ).action(async (files: readonly string[], flags: DiffFlags, command: Command) => {
    const { diff } = await import("../explain/run.ts");
    await diff(context, [...files, ...flags.filename], flags, command);
  });
}

function shared(command: Command): Command {
  return command
    .option("-n, --namespace <namespace>", "namespace of pods and objects that name none")
    .addOption(
      new Option("-k, --use-kube [bool]", "look at the cluster; by default where no files stand in for it").preset(
        true,
      ),
    )
    .option("--meshConfigFile <file>", "MeshConfig to use instead of the cluster's")
    .option("-o, --output <format>", "text, json or yaml", "text");
}
