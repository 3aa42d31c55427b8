import { at } from "@heddle/std";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import type { Manifest } from "../install/manifest.ts";
import { presentManifests } from "../install/present.ts";
import { vizManifests } from "../install/viz.ts";
import { PROMETHEUS_URL, prometheusManifests } from "../install/viz-prometheus.ts";
import { tapManifests } from "../install/viz-tap.ts";
import { renderManifests } from "../output.ts";
import { parseSetFlags } from "../set-flag.ts";
import { addInstallFlags, type InstallFlags, installOptions, outputFormat } from "./install.ts";

interface VizInstallFlags extends InstallFlags {
  readonly prometheus?: boolean;
  readonly prometheusUrl?: string;
  readonly skipChecks?: boolean;
}

/** Values of linkerd's chart, and `dashboard.liveCalls`. */
const OWN_VALUES = /^(prometheusUrl|(prometheus|tap)\.enabled|dashboard\.(liveCalls|enforcedHostRegexp))=/;

/** `viz install` and `viz uninstall`: with the own store, with a Prometheus brought along, or with one that is there. */
export function addVizInstall(viz: Command, context: CliContext): void {
  installFlags(viz.command("install"))
    .description("print the manifests of the metrics extension, for `kubectl apply -f -`")
    .action((flags: VizInstallFlags, command: Command) =>
      context.out(renderManifests(wanted(context, flags, command), outputFormat(flags.output))),
    );
  installFlags(viz.command("uninstall"))
    .description("print what `viz install` created and the cluster has, for `kubectl delete -f -`")
    .action(async (flags: VizInstallFlags, command: Command) => {
      // What was chosen at installation isn't asked again.
      const namesOne = flags.prometheusUrl !== undefined || flags.set.some((pair) => pair.startsWith("prometheusUrl="));
      const all = wanted(context, { ...flags, prometheus: !namesOne }, command);
      const found = await presentManifests(context, () => context.kube(globalOptions(command)), [...all].reverse());
      if (found.length > 0) context.out(renderManifests(found, outputFormat(flags.output)));
    });
}

function installFlags(command: Command): Command {
  return addInstallFlags(command)
    .option(
      "--prometheus",
      "bring a Prometheus that scrapes the mesh, and ask it (default: viz keeps six hours itself)",
    )
    .option("--prometheus-url <url>", "ask this Prometheus; it must scrape the proxies' port 15020")
    .option("--skip-checks", "accepted for linkerd's sake: printing asks nothing")
    .option("--ignore-cluster", "accepted for linkerd's sake: printing never asks the cluster");
}

function wanted(context: CliContext, flags: VizInstallFlags, command: Command): readonly Manifest[] {
  const own = parseSetFlags(flags.set.filter((pair) => OWN_VALUES.test(pair)));
  const options = installOptions(
    { ...flags, set: flags.set.filter((pair) => !OWN_VALUES.test(pair)) },
    globalOptions(command),
    context,
  );
  const bring = flags.prometheus === true || at(own, "prometheus", "enabled") === true;
  const url = flags.prometheusUrl ?? (own["prometheusUrl"] === undefined ? undefined : String(own["prometheusUrl"]));
  if (bring && url !== undefined)
    throw new UsageError("--prometheus brings one and --prometheus-url names one; give one of the two");
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    throw new UsageError("--prometheus-url: expected an address such as http://prometheus.monitoring:9090");
  const asked = bring ? PROMETHEUS_URL : url;
  const tap = at(own, "tap", "enabled") === false ? [] : tapManifests(options);
  const liveCalls = at(own, "dashboard", "liveCalls") === true;
  if (liveCalls && tap.length === 0)
    throw new UsageError("dashboard.liveCalls=true needs the tap API; leave tap.enabled=false out");
  const host = at(own, "dashboard", "enforcedHostRegexp");
  const enforcedHost = host === undefined ? undefined : String(host);
  return [
    ...vizManifests(options, { prometheusUrl: asked, liveCalls, enforcedHost }),
    ...tap,
    ...(bring ? prometheusManifests() : []),
  ];
}
