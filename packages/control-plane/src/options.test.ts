import { expect, test } from "bun:test";
import { readOptions } from "./options.ts";

test("the flags of the manifest are understood", () => {
  const read = readOptions(["--monitoringAddr=:15014", "--log_output_level=default:debug", "--domain=x.y"], {
    POD_NAMESPACE: "mesh",
    PILOT_DEBOUNCE_AFTER: "1s",
  });
  expect(read).toMatchObject({
    ok: true,
    value: {
      monitoring: { host: "0.0.0.0", port: 15014 },
      logLevel: "debug",
      domain: "x.y",
      namespace: "mesh",
      debounceAfterMs: 1000,
      debounceMaxMs: 10_000,
    },
  });
});

test("an empty address switches a server off", () => {
  expect(readOptions(["--httpsAddr="], {})).toMatchObject({ ok: true, value: { https: undefined } });
});

test("every problem is told, with its flag", () => {
  const read = readOptions(
    ["--grpcAddr=x", "--registries=Consul", "--log_output_level=loud", "--keepaliveTimeout=-1s"],
    {
      PILOT_DEBOUNCE_MAX: "soon",
    },
  );
  expect(read.ok ? [] : read.error).toEqual([
    "--registries Consul: known are Kubernetes and Mock",
    "--log_output_level loud: known are debug, info, warn, error and none",
    "--grpcAddr x: expected host:port or :port",
    "--keepaliveTimeout: must not be negative",
    'PILOT_DEBOUNCE_MAX: "soon" is not a duration; write a number with a unit, such as 300ms, 1.5s or 2h45m',
  ]);
  const unknown = readOptions(["--nope"], {});
  expect(unknown.ok ? "" : unknown.error[0]).toContain("--nope");
});
