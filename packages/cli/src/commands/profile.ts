import { at, textOf } from "@heddle/std";
import type { Command } from "commander";
import { parse, stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { openApiRoutes } from "../profile/open-api.ts";
import { profileObject } from "../profile/profile-object.ts";
import { protoRoutes } from "../profile/proto-file.ts";
import { profileTemplate } from "../profile/template.ts";

interface Flags {
  readonly template?: boolean;
  readonly openApi?: string;
  readonly proto?: string;
  readonly namespace?: string;
  readonly clusterDomain: string;
  readonly ignoreCluster?: boolean;
  readonly output: string;
}

/** `linkerd profile`: a ServiceProfile from a template or from a description of the API. Source: linkerd cli/cmd/profile.go. */
export function addServiceProfile(program: Command, context: CliContext): void {
  program
    .command("profile <service>")
    .description("a ServiceProfile for a Service: from an OpenAPI document, a .proto file, or a template to fill in")
    .option("--template", "print a commented template")
    .option("--open-api <file>", "routes of an OpenAPI document, version 2 or 3; - for standard input")
    .option("--proto <file>", "routes of the services in a .proto file; - for standard input")
    .option("-n, --namespace <namespace>", "namespace of the Service (default: the kubeconfig's)")
    .option("--cluster-domain <domain>", "DNS domain of the cluster", "cluster.local")
    .option("--ignore-cluster", "don't look for the Service in the cluster")
    .option("-o, --output <format>", "yaml or json", "yaml")
    .action(async (service: string, flags: Flags, command: Command) => {
      const given = [flags.template, flags.openApi, flags.proto].filter((one) => one !== undefined);
      if (given.length !== 1)
        throw new UsageError(
          "give one of --template, --open-api FILE, --proto FILE; for routes from live traffic there is viz profile --tap",
        );
      if (!["yaml", "json"].includes(flags.output)) throw new UsageError(`-o ${flags.output}: expected yaml or json`);
      if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(service))
        throw new UsageError(`${service}: expected the name of a Service, without its namespace (that is -n)`);
      const namespace = await namespaceOf(context, service, flags, command);
      if (flags.template) return context.out(profileTemplate(service, namespace, flags.clusterDomain));
      const routes =
        flags.openApi !== undefined
          ? openApiRoutes(await parsed(context, flags.openApi), flags.openApi)
          : protoRoutes(await textFrom(context, flags.proto ?? "-"), flags.proto ?? "-");
      const profile = profileObject(service, namespace, flags.clusterDomain, routes);
      context.out(flags.output === "json" ? `${JSON.stringify(profile, null, 2)}\n` : stringify(profile));
    });
}

/** The namespace, after a look that the Service is there. */
async function namespaceOf(context: CliContext, service: string, flags: Flags, command: Command): Promise<string> {
  if (flags.ignoreCluster) return flags.namespace ?? "default";
  const kube = await context.kube(globalOptions(command));
  const namespace = flags.namespace ?? kube.namespace;
  const found = await kube.find({ apiVersion: "v1", kind: "Service", name: service, namespace });
  if (textOf(at(found, "metadata", "name")) === "")
    context.err(`‼ there is no Service ${service} in namespace ${namespace}; the profile has effect once there is\n`);
  return namespace;
}

async function parsed(context: CliContext, file: string): Promise<unknown> {
  const text = await textFrom(context, file);
  try {
    return parse(text);
  } catch (error) {
    const [first = ""] = String(error instanceof Error ? error.message : error).split("\n");
    throw new UsageError(`${file}: is neither JSON nor YAML: ${first}`);
  }
}

async function textFrom(context: CliContext, file: string): Promise<string> {
  if (file === "-") return context.readStdin();
  try {
    return await Bun.file(file).text();
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
