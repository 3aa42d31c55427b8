import { expect, test } from "bun:test";
import { createLogger } from "@heddle/std";
import {
  REFUSED_FLAGS,
  readComponentLevels,
  readStaticFlags,
  SILENT_FLAGS,
  STATIC_FLAGS,
  setComponentLevels,
  staticUsage,
  warnOfUnknownParts,
} from "./static-flags.ts";

const read = (line: string) => readStaticFlags(line === "" ? [] : line.split(" "));
const problem = (line: string) => {
  const result = read(line);
  return result.ok ? "" : result.error;
};

test("Envoy's defaults, and what is asked for", () => {
  const plain = {
    path: "a.yaml",
    configYaml: "",
    validateOnly: false,
    serviceNode: "",
    serviceCluster: "",
    serviceZone: "",
    drainMs: 600_000,
    concurrency: undefined,
    componentLevels: [],
    statsTags: [],
    adminAddressPath: "",
  };
  expect(read("-c a.yaml")).toEqual({ ok: true, value: plain });
  expect(
    read("--config-path=a.yaml --mode validate --drain-time-s 0 --cpuset-threads --stats-tag a:b:c --stats-tag d:e"),
  ).toEqual({
    ok: true,
    value: {
      ...plain,
      validateOnly: true,
      drainMs: 0,
      concurrency: "0",
      statsTags: [
        { name: "a", value: "b:c" },
        { name: "d", value: "e" },
      ],
    },
  });
  expect(read("--config-yaml {} --concurrency 3 --cpuset-threads")).toMatchObject({
    value: { path: "", configYaml: "{}", concurrency: "3" },
  });
});

test.each([
  ["-c a --drain-time-s abc", '--drain-time-s is "abc"; use'],
  ["-c a --drain-time-s=", '--drain-time-s is ""; use'],
  ["-c a --drain-time-s -1", '--drain-time-s is "-1"; use'],
  ["-c a --drain-time-s 1.5", '--drain-time-s is "1.5"; use'],
  ["-c a --drain-time-s 1e20", '--drain-time-s is "1e20"; use'],
  ["-c a --mode validat", '--mode is "validat"; use'],
  ["-c a --mode=", '--mode is ""; use'],
  ["-c a.yaml --mode=validate --use-dynamic-base-id -l info", ""],
  ["-c a.yaml --mod validate", '"--mod" is no flag'],
  ["-c a.yaml b.yaml", '"b.yaml" is no flag'],
  ["-c a.yaml constructor", '"constructor" is no flag'],
  ["-c a.yaml --component-log-level loud", '--component-log-level has "loud"'],
  ["-c a.yaml --concurrency=2 --frob=1", '"--frob=1" is no flag'],
  ["-c a.yaml --service-node", "--service-node needs a value"],
  ["-c a --use-dynamic-base-id=true", "--use-dynamic-base-id is a switch"],
  ["-c a -c b", "--config-path is there 2 times"],
  ["", "there is no bootstrap"],
  ["-c a --restart-epoch 0", ""],
  ["-c a --restart-epoch 1", "--restart-epoch is above 0"],
  ["-c a --stats-tag nonsense", '--stats-tag is "nonsense"; use NAME:VALUE'],
  ["-c a --stats-tag a:b --stats-tag a:c", "--stats-tag has two values for a"],
  ["-c a --local-address-ip-version v6", "--local-address-ip-version can only be v4"],
])("%s: %p", (line, text) => {
  expect(problem(line)).toStartWith(text);
  expect(read(line).ok).toBe(text === "");
});

/** `envoy --help` of 1.40, without `--` and what starts no server. */
const ENVOY =
  "stats-tag enable-core-dump socket-mode socket-path disable-extensions cpuset-threads enable-mutex-tracing disable-hot-restart mode parent-shutdown-time-s drain-strategy drain-time-s file-flush-min-size-kb file-flush-interval-msec service-zone service-node service-cluster hot-restart-version restart-epoch log-path enable-fine-grain-logging log-format-escaped log-format component-log-level log-level local-address-ip-version admin-address-path log-stacktrace-single-entry skip-deprecated-logs ignore-unknown-dynamic-fields reject-unknown-dynamic-fields allow-unknown-static-fields allow-unknown-fields config-yaml config-path concurrency base-id-path skip-hot-restart-parent-stats skip-hot-restart-on-no-parent use-dynamic-base-id base-id version help".split(
    " ",
  );

test("every flag of Envoy's is done, without effect, or refused with what to do; and --help lists it", () => {
  const usage = staticUsage();
  for (const name of ENVOY) {
    const known = [STATIC_FLAGS, SILENT_FLAGS, REFUSED_FLAGS].filter((flags) => `--${name}` in flags);
    expect([name, known.length]).toEqual([name, 1]);
    expect(usage).toContain(`  --${name} `);
  }
  for (const [name, [, instead]] of Object.entries(REFUSED_FLAGS))
    expect(problem(`-c a ${name} x`)).toBe(`${name} is not supported: ${instead}`);
});

test("levels of parts of the program", () => {
  expect(readComponentLevels("upstream:debug,proxy.http:warning,proxy:off")).toEqual({
    ok: true,
    value: [
      ["upstream", "debug"],
      ["http", "warn"],
      ["proxy", "off"],
    ],
  });
  expect(readComponentLevels("")).toEqual({ ok: true, value: [] });
  for (const text of ["upstream", "upstream:loud", ":debug", "a:debug:b"])
    expect(readComponentLevels(text)).toMatchObject({ ok: false });
});

function logger() {
  const records: { readonly message: string; readonly fields: unknown }[] = [];
  const log = createLogger({
    clock: { now: () => 0 },
    level: "info",
    scope: "proxy",
    sink: (record) => void records.push(record),
  });
  return { log, records };
}

test("levels of parts hold in workers, too", () => {
  const { log } = logger();
  setComponentLevels(log, [["upstream", "debug"]]);
  const worker = log.child("worker-1");
  setComponentLevels(worker, [["upstream", "debug"]], "worker-1");
  const said = [log, worker].map((one) => ["upstream", "http"].map((part) => one.child(part).enabled("debug")));
  expect(said).toEqual([
    [true, false],
    [true, false],
  ]);
  setComponentLevels(worker, [["proxy", "off"]], "worker-1");
  expect(worker.child("http").enabled("error")).toBe(false);
});

test("a level of what is no part is told, with the parts that there are", () => {
  const { log, records } = logger();
  log.child("upstream");
  log.child("stats").child("statsd");
  warnOfUnknownParts(log, [
    ["upstream", "debug"],
    ["proxy", "info"],
    ["stats.statsd", "debug"],
  ]);
  expect(records).toEqual([]);
  warnOfUnknownParts(log, [
    ["connection", "trace"],
    ["upstream", "debug"],
  ]);
  expect(records).toMatchObject([
    { level: "warn", fields: { unknown: ["connection"], parts: ["stats", "stats.statsd", "upstream"] } },
  ]);
});
