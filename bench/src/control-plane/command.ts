import { parseArgs } from "node:util";
import { benchCommand } from "../measure/command.ts";
import { processUsage } from "../measure/process-usage.ts";
import { fillMesh, openApiServer } from "./api-server.ts";
import type { Dialect } from "./discovery-messages.ts";
import { startFleet } from "./fleet.ts";
import type { MeshSize } from "./objects.ts";
import { findIstiod, heddleProgram, type PlaneName, startPlane } from "./plane.ts";
import { formatReport, type PlaneReport } from "./report.ts";
import { peakRssBytes, runScenarios } from "./scenarios.ts";

const HELP = `Usage: npm run bench -- control-plane [options]

Drives control planes with simulated proxies: all join, one endpoint flaps, one VirtualService changes, one proxy joins, all reconnect at
once. Ours and the real istiod in turn, on the same objects in the same API server with the same proxies.

  --services N      services                             (default 1000)
  --endpoints N     of each service                      (default 10)
  --proxies N       simulated proxies                    (default 500)
  --sizes LIST      run again at these multiples         (default 1,2,4)
  --repetitions N   of each single change                (default 5)
  --limit SECONDS   that proxies wait for one change     (default 120)
  --dialect D       delta or sotw                        (default delta)
  --only a,b        of heddle, istiod                    (default both)
  --kubeconfig FILE an API server to use                 (default the embedded cluster's)
  --base FOLDER     another clone of Heddle instead of this one
  --profile FOLDER  processor profile of ours
  --json            the result as one JSON object on the last line

istiod is found in HEDDLE_PILOT_DISCOVERY or as pilot-discovery on PATH; without it its figures are left out.
`;

/** `npm run bench -- control-plane`. */
export const runControlPlane = benchCommand({ name: "control-plane", help: HELP, readOptions, run });

function readOptions(argv: readonly string[]) {
  const text = (fallback: string) => ({ type: "string", default: fallback }) as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      services: text("1000"),
      endpoints: text("10"),
      proxies: text("500"),
      sizes: text("1,2,4"),
      repetitions: text("5"),
      limit: text("120"),
      dialect: text("delta"),
      only: text("heddle,istiod"),
      kubeconfig: { type: "string" },
      base: { type: "string" },
      profile: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const numbers = [
    values.services,
    values.endpoints,
    values.proxies,
    values.repetitions,
    values.limit,
    ...values.sizes.split(","),
  ];
  const wrong = numbers.find((number) => !/^[1-9]\d*$/.test(number));
  if (wrong !== undefined) return `"${wrong}" is not a whole number above 0`;
  if (values.dialect !== "delta" && values.dialect !== "sotw")
    return `--dialect must be delta or sotw, not "${values.dialect}"`;
  const dialect: Dialect = values.dialect;
  return { ...values, dialect };
}

async function run(values: Exclude<ReturnType<typeof readOptions>, string>): Promise<number> {
  const { dialect } = values;
  const programs = new Map<PlaneName, string>();
  if (values.only.includes("heddle")) programs.set("heddle", heddleProgram(values.base));
  const istiod = values.only.includes("istiod") ? findIstiod(process.env) : undefined;
  if (istiod !== undefined) programs.set("istiod", istiod);
  else if (values.only.includes("istiod"))
    console.error("istiod is left out: set HEDDLE_PILOT_DISCOVERY or put pilot-discovery on PATH");

  // The control plane has one processor for itself; everything else shares the other.
  const api = await openApiServer(values.kubeconfig, CPUS.others);
  const reports: PlaneReport[] = [];
  let turn = 0;
  let failure: unknown;
  try {
    console.error(`objects in ${api.description}, ${dialect} clients`);
    let filled = 0;
    for (const factor of values.sizes.split(",").map(Number)) {
      const size: MeshSize = {
        services: Number(values.services) * factor,
        endpoints: Number(values.endpoints),
        proxies: Number(values.proxies) * factor,
      };
      await fillMesh(api.kube, size, filled);
      filled = size.services;
      for (const [name, program] of programs) {
        const startedAt = performance.now();
        const plane = await startPlane(name, program, {
          kubeconfig: api.kubeconfig,
          cpus: CPUS.plane,
          profile: values.profile,
        });
        const fleet = startFleet(plane.port, dialect, CPUS.others);
        try {
          const readyMs = performance.now() - startedAt;
          const startCpuMs = processUsage(plane.pid).cpuMs;
          const outcomes = await runScenarios({
            kube: api.kube,
            plane,
            fleet,
            size,
            repetitions: Number(values.repetitions),
            limitMs: Number(values.limit) * 1000,
            nextTurn: () => ++turn,
            progress: (done) =>
              console.error(`${name} ${factor}×: ${done} (${((performance.now() - startedAt) / 1000).toFixed(0)} s)`),
          });
          const { cpuMs } = processUsage(plane.pid);
          reports.push({
            name,
            factor,
            size,
            readyMs,
            startCpuMs,
            cpuMs,
            peakRssBytes: peakRssBytes(plane.pid),
            outcomes,
          });
        } catch (error) {
          console.error(`${name} failed; its process said: ${plane.child.stderrTail()}`);
          throw error;
        } finally {
          await fleet.close();
          await plane.close();
        }
      }
    }
  } catch (error) {
    // What was measured before is still worth something.
    failure = error;
  } finally {
    await api.close();
  }
  console.log(formatReport(reports));
  if (values.json) console.log(JSON.stringify(reports.map(withoutSamples)));
  if (failure !== undefined) throw failure;
  return 0;
}

const CPUS = { plane: "0", others: "1" };

function withoutSamples(report: PlaneReport) {
  return { ...report, outcomes: report.outcomes.map(({ convergenceMs: _, ...rest }) => rest) };
}
