import { describe, expect, test } from "bun:test";
import { parseCommandLine } from "./command-line.ts";
import { DEFAULT_OPTIONS } from "./options.ts";

describe("flags", () => {
  test("none gives the defaults", () => {
    expect(parseCommandLine([], {})).toEqual({ kind: "run", options: DEFAULT_OPTIONS, dryRun: false, notices: [] });
  });

  test("what the injector writes is read", () => {
    const argv = [
      "-p",
      "15001",
      "-z",
      "15006",
      "-u",
      "1337",
      "-g",
      "1337",
      "-m",
      "REDIRECT",
      "-i",
      "*",
      "-x",
      "",
      "-b",
      "*",
    ];
    const command = parseCommandLine([...argv, "-d", "15090,15021,15020", "-o", "", "-c", ""], {});
    expect(command).toEqual({
      kind: "run",
      options: {
        ...DEFAULT_OPTIONS,
        inboundPortsExclude: [15090, 15021, 15020].map((port) => ({ first: port, last: port })),
      },
      dryRun: false,
      notices: [],
    });
  });

  test("an empty list of incoming ports captures none", () => {
    const command = parseCommandLine(["-b", ""], {});
    expect(command.kind === "run" ? command.options.inboundPorts : command).toEqual([]);
  });

  test("long forms, ranges and ids", () => {
    const command = parseCommandLine(
      ["--istio-service-cidr", "10.0.0.0/8, fd00::/8", "--istio-exclude-uids", "5,1000-1999", "--ipv6", "false", "-n"],
      {},
    );
    expect(command).toMatchObject({ kind: "run", dryRun: true, ipv6: false });
    if (command.kind !== "run") return;
    expect(command.options.outboundRanges).toEqual(["10.0.0.0/8", "fd00::/8"]);
    expect(command.options.usersExclude).toEqual([
      { first: 5, last: 5 },
      { first: 1000, last: 1999 },
    ]);
  });

  test("HEDDLE_PROXY_MARK replaces user and group", () => {
    const command = parseCommandLine([], { HEDDLE_PROXY_MARK: "1337" });
    expect(command.kind === "run" ? command.options.proxy : command).toEqual({ kind: "mark", mark: 1337 });
  });

  test("DNS capture: by environment or flag, to the servers of resolv.conf, to all, or left out with a reason", () => {
    const read = (argv: string[], env: Record<string, string> = {}, servers: string[] = ["10.0.0.10"]) => {
      const command = parseCommandLine(argv, env, servers);
      return command.kind === "run" ? [command.options.dns, ...command.notices] : command.kind;
    };
    expect(read([])).toEqual(["none"]);
    expect(read([], { ISTIO_META_DNS_CAPTURE: "false" })).toEqual(["none"]);
    expect(read([], { ISTIO_META_DNS_CAPTURE: "true" })).toEqual([["10.0.0.10"]]);
    expect(read(["--redirect-dns"])).toEqual([["10.0.0.10"]]);
    expect(read(["--capture-all-dns"], {}, [])).toEqual(["all"]);
    expect(read(["--redirect-dns"], {}, [])).toEqual(["none", expect.stringContaining("names no server")]);
    expect(read(["--redirect-dns"], { HEDDLE_PROXY_MARK: "1337" })).toEqual([
      "none",
      expect.stringContaining("HEDDLE_PROXY_MARK"),
    ]);
  });

  test("all problems at once, each naming its flag", () => {
    const argv = ["-m", "TPROXY", "-b", "99999", "-u", "root", "-i", "10.0.0.0/99", "-d", "a"];
    const command = parseCommandLine(argv, { HEDDLE_PROXY_MARK: "-1" });
    expect(command.kind).toBe("problems");
    if (command.kind !== "problems") return;
    const flags = command.problems.map((problem) => problem.split(":")[0]).sort();
    expect(flags).toEqual([
      "--istio-inbound-interception-mode",
      "--istio-inbound-ports",
      "--istio-local-exclude-ports",
      "--istio-service-cidr",
      "--proxy-uid",
      "HEDDLE_PROXY_MARK",
    ]);
  });

  test("an unknown flag is a problem, not a crash", () => {
    expect(parseCommandLine(["--nope"], {}).kind).toBe("problems");
  });
});
