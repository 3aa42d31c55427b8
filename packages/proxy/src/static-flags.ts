import { err, type Logger, type LogLevel, ok, parseLogLevel, type Result } from "@heddle/std";

/** What the flags of `heddle proxy -c FILE` ask for. */
export interface StaticFlags {
  /** The bootstrap; "": there is only `configYaml`. */
  readonly path: string;
  /** More of the bootstrap, merged over the file; "": nothing. */
  readonly configYaml: string;
  /** Check the file and end. */
  readonly validateOnly: boolean;
  readonly serviceNode: string;
  readonly serviceCluster: string;
  readonly serviceZone: string;
  readonly drainMs: number;
  /** As written; undefined: not at all. */
  readonly concurrency: string | undefined;
  readonly componentLevels: ComponentLevels;
  /** Labels of all statistics. */
  readonly statsTags: readonly { readonly name: string; readonly value: string }[];
  /** A file that gets the admin port's address; "": none. */
  readonly adminAddressPath: string;
}

/** A flag: the name of its value (undefined: a switch), and what it does. */
type FlagHelp = readonly [value: string | undefined, help: string];

/** Flags that do something, under Envoy's names. */
export const STATIC_FLAGS: Readonly<Record<string, FlagHelp>> = {
  "--config-path": ["FILE", "the bootstrap, also as -c: Envoy's v3 or v2 form, in YAML or JSON"],
  "--config-yaml": ["TEXT", "more of the bootstrap, merged over the file; lists are joined"],
  "--mode": ["serve|validate", "validate checks the bootstrap and ends"],
  "--service-node": ["ID", "the node's id, in place of the bootstrap's"],
  "--service-cluster": ["NAME", "the node's cluster, in place of the bootstrap's"],
  "--service-zone": ["ZONE", "the zone of the node's locality, in place of the bootstrap's"],
  "--concurrency": ["N", "processes that share the ports; 0 is one for each processor, 1 the default"],
  "--cpuset-threads": [undefined, "without --concurrency, one process for each processor that the process may use"],
  "--drain-time-s": [
    "SECONDS",
    "how long connections may drain, 600 by default; at the end of the process at most 25 s",
  ],
  "--log-level": ["LEVEL", "also as -l: trace, debug, info, warning, error, critical, off"],
  "--component-log-level": [
    "PART:LEVEL,…",
    "levels of parts of the program, as /logging shows them; the log names what is no part",
  ],
  "--log-path": ["FILE", "the log goes there, not to stderr; SIGUSR1 and /reopen_logs open it anew"],
  "--admin-address-path": ["FILE", "gets the address of the admin port"],
  "--stats-tag": ["NAME:VALUE", "a label of all statistics; may be repeated"],
  "--version": [undefined, "prints the version"],
  "--hot-restart-version": [undefined, "prints disabled: processes are not replaced in place"],
  "--help": [undefined, "prints this list"],
};

const RESTART = "there is no hot restart, and processes share no memory";

/** Envoy's flags that change nothing here. */
export const SILENT_FLAGS: Readonly<Record<string, FlagHelp>> = {
  "--base-id": ["N", RESTART],
  "--use-dynamic-base-id": [undefined, RESTART],
  "--base-id-path": ["FILE", RESTART],
  "--disable-hot-restart": [undefined, RESTART],
  "--skip-hot-restart-on-no-parent": [undefined, RESTART],
  "--skip-hot-restart-parent-stats": [undefined, RESTART],
  "--restart-epoch": ["0", RESTART],
  "--parent-shutdown-time-s": ["SECONDS", RESTART],
  "--socket-path": ["PATH", RESTART],
  "--socket-mode": ["MODE", RESTART],
  "--reject-unknown-dynamic-fields": [undefined, "unknown fields are always refused"],
  "--skip-deprecated-logs": [undefined, "deprecated fields are listed in docs/proxy.md, not in the log"],
  "--file-flush-interval-msec": ["MS", "access logs are written each second at the latest"],
  "--file-flush-min-size-kb": ["KB", "access logs are written when 64 KiB wait"],
  "--local-address-ip-version": ["v4", "what the proxy tells of its own address is IPv4 where it has one"],
  "--log-stacktrace-single-entry": [undefined, "an error is one entry of the log"],
  "--log-format-escaped": [undefined, "line ends in the log are always escaped"],
  "--enable-mutex-tracing": [undefined, "there are no locks to be traced"],
  "--enable-core-dump": [undefined, "the system's limits say whether there are core dumps"],
};

/** Envoy's flags that are refused, with what to do instead. */
export const REFUSED_FLAGS: Readonly<Record<string, FlagHelp>> = {
  "--allow-unknown-fields": [undefined, "unknown fields are always refused; remove them from the bootstrap"],
  "--allow-unknown-static-fields": [undefined, "unknown fields are always refused; remove them from the bootstrap"],
  "--ignore-unknown-dynamic-fields": [
    undefined,
    "unknown fields are always refused, and the NACK names them; remove the flag",
  ],
  "--bootstrap-version": ["N", "v2 and v3 are told apart by what stands in the file; remove the flag"],
  "--disable-extensions": ["NAMES", "what the configuration does not name does not run; remove the flag"],
  "--enable-fine-grain-logging": [undefined, "levels are by part of the program; use --component-log-level"],
  "--drain-strategy": ["gradual|immediate", "connections are told at once that they drain; remove the flag"],
  "--log-format": ["FORMAT", "set LOG_AS_JSON=true in the environment for JSON, or remove the flag"],
};

const SHORT: Readonly<Record<string, string>> = { "-c": "--config-path", "-l": "--log-level", "-h": "--help" };

/** The flags as `--help` shows them. */
export function staticUsage(): string {
  const line = ([name, [value, help]]: [string, FlagHelp]) =>
    `  ${`${name}${value === undefined ? "" : ` ${value}`}`.padEnd(38)} ${help}\n`;
  const list = (flags: Readonly<Record<string, FlagHelp>>) => Object.entries(flags).map(line).join("");
  return `heddle proxy -c FILE [FLAG…]\n${list(STATIC_FLAGS)}Taken without effect:\n${list(SILENT_FLAGS)}Refused:\n${list(REFUSED_FLAGS)}`;
}

type Given = ReadonlyMap<string, readonly string[]>;

/** Values of all flags by their long names; of a switch "". Errors: the first word that is no flag, is refused or lacks its value. */
export function parseStaticFlags(argv: readonly string[]): Result<Given> {
  const given = new Map<string, string[]>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    const at = word.startsWith("--") ? word.indexOf("=") : -1;
    const written = at < 0 ? word : word.slice(0, at);
    const name = SHORT[written] ?? written;
    const refused = ownFlag(REFUSED_FLAGS, name);
    if (refused !== undefined) return err(`${name} is not supported: ${refused[1]}`);
    const known = ownFlag(STATIC_FLAGS, name) ?? ownFlag(SILENT_FLAGS, name);
    if (known === undefined)
      return err(`${JSON.stringify(word)} is no flag of heddle proxy -c FILE; heddle proxy --help lists them`);
    const values = given.get(name) ?? [];
    given.set(name, values);
    if (known[0] === undefined) {
      if (at >= 0) return err(`${name} is a switch, which takes no value; write it without ${word.slice(at)}`);
      values.push("");
      continue;
    }
    const value = at < 0 ? argv[++i] : word.slice(at + 1);
    if (value === undefined) return err(`${name} needs a value`);
    values.push(value);
  }
  return ok(given);
}

/** A word such as `constructor` is no flag. */
function ownFlag(flags: Readonly<Record<string, FlagHelp>>, name: string): FlagHelp | undefined {
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

const MODES = ["serve", "validate"];
/** Source: Envoy `--drain-time-s`. Units: s. */
const DRAIN_S = 600;
/** As much as Envoy's own unsigned seconds hold. Units: s. */
const LONGEST_S = 4_294_967_295;

/** Errors: a sentence that names the flag and what it takes. */
export function readStaticFlags(argv: readonly string[]): Result<StaticFlags> {
  const parsed = parseStaticFlags(argv);
  if (!parsed.ok) return parsed;
  const given = parsed.value;
  for (const [name, { length }] of given)
    if (length > 1 && name !== "--stats-tag") return err(`${name} is there ${length} times; write it once`);
  const flag = (name: string): string | undefined => given.get(name)?.[0];
  const mode = flag("--mode") ?? "serve";
  if (!MODES.includes(mode)) return err(`--mode is ${JSON.stringify(mode)}; use serve or validate`);
  const drain = flag("--drain-time-s");
  const seconds = drain === undefined ? DRAIN_S : Number(drain);
  if (drain?.trim() === "" || !Number.isInteger(seconds) || seconds < 0 || seconds > LONGEST_S)
    return err(`--drain-time-s is ${JSON.stringify(drain)}; use whole seconds, as in --drain-time-s 600`);
  if ((flag("--local-address-ip-version") ?? "v4") !== "v4")
    return err("--local-address-ip-version can only be v4; remove the flag");
  const epoch = flag("--restart-epoch") ?? "0";
  if (epoch !== "0") return err(EPOCH);
  const componentLevels = readComponentLevels(flag("--component-log-level") ?? "");
  if (!componentLevels.ok) return componentLevels;
  const statsTags: { name: string; value: string }[] = [];
  for (const text of given.get("--stats-tag") ?? []) {
    const tag = /^([A-Za-z0-9_.-]+):(.+)$/.exec(text);
    if (tag === null) return err(`--stats-tag is ${JSON.stringify(text)}; use NAME:VALUE, as in --stats-tag region:eu`);
    const [, name = "", value = ""] = tag;
    if (statsTags.some((other) => other.name === name)) return err(`--stats-tag has two values for ${name}; write one`);
    statsTags.push({ name, value });
  }
  const path = flag("--config-path") ?? "";
  const configYaml = flag("--config-yaml") ?? "";
  if (path === "" && configYaml === "") return err("there is no bootstrap; name its file with -c FILE");
  return ok({
    path,
    configYaml,
    validateOnly: mode === "validate",
    serviceNode: flag("--service-node") ?? "",
    serviceCluster: flag("--service-cluster") ?? "",
    serviceZone: flag("--service-zone") ?? "",
    drainMs: seconds * 1000,
    concurrency: flag("--concurrency") ?? (given.has("--cpuset-threads") ? "0" : undefined),
    componentLevels: componentLevels.value,
    statsTags,
    adminAddressPath: flag("--admin-address-path") ?? "",
  });
}

const EPOCH =
  "--restart-epoch is above 0, but there is no hot restart: end the old process with SIGTERM, which drains it, then start the new one; listeners and clusters from discovery or files change in place";

/** Levels by part of the program, `upstream` or `listener`; `proxy` is all of it. */
export type ComponentLevels = readonly (readonly [part: string, level: LogLevel])[];

/** Where the names of all parts begin. */
const ROOT = "proxy";

/** `upstream:debug,http:trace`; parts as `/logging` names them. Errors: a sentence with the wrong piece. */
export function readComponentLevels(text: string): Result<ComponentLevels> {
  const levels: (readonly [string, LogLevel])[] = [];
  for (const piece of text.split(",").filter((one) => one !== "")) {
    const [part = "", name = "", more] = piece.split(":");
    const level = parseLogLevel(name);
    if (part === "" || level === undefined || more !== undefined)
      return err(`--component-log-level has ${JSON.stringify(piece)}; use PART:LEVEL, as in upstream:debug,http:trace`);
    levels.push([part.startsWith(`${ROOT}.`) ? part.slice(ROOT.length + 1) : part, level]);
  }
  return ok(levels);
}

/** `scope`: below which the parts are, of a worker `worker-1`. Default: directly below the root. */
export function setComponentLevels(log: Logger, levels: ComponentLevels, scope = ""): void {
  for (const [part, level] of levels)
    log.setLevel(level, [ROOT, scope, part === ROOT ? "" : part].filter((name) => name !== "").join("."));
}

/** Tells of levels that nothing takes. The parts have their loggers once the proxy has started. */
export function warnOfUnknownParts(log: Logger, levels: ComponentLevels): void {
  const parts = [...log.levels().keys()].map((name) => name.slice(ROOT.length + 1)).filter((name) => name !== "");
  const unknown = levels.map(([part]) => part).filter((part) => part !== ROOT && !parts.includes(part));
  if (unknown.length > 0)
    log.warn("--component-log-level names what is no part of the program, so nothing has these levels", {
      unknown,
      parts: parts.sort(),
    });
}
