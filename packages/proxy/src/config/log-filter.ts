import { type AttributeSource, compileExpression, type Expression } from "@heddle/expression";
import { grpcCodeOfHttpStatus } from "@heddle/wire";
import { AccessLogType } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { ExpressionFilterSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/filters/cel/v3/cel";
import type { Runtime, RuntimeShare } from "../runtime/runtime.ts";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { denominatorOf, runtimeFraction } from "./fraction.ts";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import { type AccessLogFilter, ComparisonFilter_Op } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { decodeMetadataMatch, type MetadataMap, type MetadataMatch, matchesMetadata } from "./value-match.ts";

type Comparison = "eq" | "ge" | "le";

/** Which exchanges are written. */
export type LogFilter =
  | { readonly kind: "status" | "duration"; readonly op: Comparison; readonly value: number }
  | { readonly kind: "flags"; readonly flags: readonly string[] }
  /** By Envoy's names of `AccessLogType`. */
  | { readonly kind: "log-type"; readonly types: readonly string[]; readonly exclude: boolean }
  | { readonly kind: "not-health-check" }
  | { readonly kind: "header"; readonly match: HeaderMatch }
  | { readonly kind: "grpc-status"; readonly statuses: readonly number[]; readonly exclude: boolean }
  /** `own`: by chance; else by the request's id, which is the same at every proxy on its way, as a part of `per`. */
  | { readonly kind: "share"; readonly fraction: RuntimeShare; readonly per: number; readonly own: boolean }
  | { readonly kind: "metadata"; readonly match: MetadataMatch | undefined; readonly whenMissing: boolean }
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "and" | "or"; readonly filters: readonly LogFilter[] };

/** Facts that filters look at. */
export interface LogFacts {
  readonly status: number;
  /** -1: none. */
  readonly grpcStatus: number;
  readonly durationMs: number;
  /** Which line of the log it is, by Envoy's name of `AccessLogType`. */
  readonly logType: string;
  readonly flags: string;
  readonly userAgent: string;
  /** A filter said so. */
  readonly healthCheck?: boolean;
  /** Undefined: none. */
  requestId(): string | undefined;
  readonly metadata: MetadataMap | undefined;
  matches(header: HeaderMatch): boolean;
  /** For expressions. */
  attributes(): AttributeSource;
  random(): number;
  readonly runtime: Runtime;
}

const OPS = new Map<ComparisonFilter_Op, Comparison>([
  [ComparisonFilter_Op.EQ, "eq"],
  [ComparisonFilter_Op.GE, "ge"],
  [ComparisonFilter_Op.LE, "le"],
]);

const EXTENSIONS: AnyTable<LogFilter> = {
  [ExpressionFilterSchema.typeName]: messageEntry(ExpressionFilterSchema, (message, scope): LogFilter | undefined => {
    const expression = compileExpression(message.expression);
    const at = scope.field("expression");
    if (!expression.ok) at.problem(expression.error);
    else if (expression.value.type === "bool") return { kind: "expression", expression: expression.value };
    else at.problem(`gives a ${expression.value.type}; a condition is needed`);
    return undefined;
  }),
};

export function decodeLogFilter(message: AccessLogFilter, scope: DecodeScope): LogFilter | undefined {
  const specifier = message.filterSpecifier;
  switch (specifier.case) {
    case "statusCodeFilter":
    case "durationFilter": {
      const comparison = specifier.value.comparison;
      const kind = specifier.case === "statusCodeFilter" ? "status" : "duration";
      return {
        kind,
        op: OPS.get(comparison?.op ?? ComparisonFilter_Op.EQ) ?? "eq",
        value: comparison?.value?.defaultValue ?? 0,
      };
    }
    case "responseFlagFilter":
      return { kind: "flags", flags: specifier.value.flags };
    case "logTypeFilter": {
      const { types, exclude } = specifier.value;
      types.forEach((type, i) => {
        if (AccessLogType[type] === undefined)
          scope
            .field("log_type_filter.types")
            .item(i)
            .problem(`${type} is no type of access log that this proxy knows`);
      });
      return { kind: "log-type", types: types.map((type) => AccessLogType[type]), exclude };
    }
    case "notHealthCheckFilter":
      return { kind: "not-health-check" };
    case "headerFilter": {
      const header = specifier.value.header;
      const match = header === undefined ? undefined : decodeHeaderMatch(header, scope.field("header_filter.header"));
      return match === undefined ? undefined : { kind: "header", match };
    }
    case "grpcStatusFilter":
      return { kind: "grpc-status", statuses: specifier.value.statuses, exclude: specifier.value.exclude };
    case "runtimeFilter":
      return {
        kind: "share",
        fraction: runtimeFraction(
          { defaultValue: specifier.value.percentSampled, runtimeKey: specifier.value.runtimeKey },
          0,
        ),
        per: denominatorOf(specifier.value.percentSampled),
        own: specifier.value.useIndependentRandomness,
      };
    case "metadataFilter": {
      const { matcher, matchIfKeyNotFound } = specifier.value;
      const match =
        matcher === undefined ? undefined : decodeMetadataMatch(matcher, scope.field("metadata_filter.matcher"));
      return { kind: "metadata", match, whenMissing: matchIfKeyNotFound ?? true };
    }
    case "andFilter":
    case "orFilter": {
      const filters: LogFilter[] = [];
      specifier.value.filters.forEach((item, i) => {
        const filter = decodeLogFilter(item, scope.field("filters").item(i));
        if (filter !== undefined) filters.push(filter);
      });
      return { kind: specifier.case === "andFilter" ? "and" : "or", filters };
    }
    case "extensionFilter":
      return decodeAny(specifier.value.configType.value, EXTENSIONS, scope.field("extension_filter.typed_config"));
    default:
      scope.problem(`the filter ${specifier.case ?? "(none)"} is not implemented; use another access log filter`);
      return undefined;
  }
}

export function passesFilter(filter: LogFilter, facts: LogFacts): boolean {
  switch (filter.kind) {
    case "status":
      return compare(facts.status, filter.op, filter.value);
    case "duration":
      return compare(facts.durationMs, filter.op, filter.value);
    case "flags":
      return filter.flags.length === 0
        ? facts.flags !== "-"
        : filter.flags.some((flag) => facts.flags.split(",").includes(flag));
    case "log-type":
      return filter.types.includes(facts.logType) !== filter.exclude;
    case "not-health-check":
      if (facts.healthCheck === true) return false;
      return !facts.userAgent.startsWith("kube-probe/") && !facts.userAgent.startsWith("Envoy/HC");
    case "header":
      return facts.matches(filter.match);
    case "grpc-status":
      return filter.statuses.includes(grpcStatusOf(facts)) !== filter.exclude;
    case "share":
      return (filter.own ? facts.random() : standing(facts, filter.per)) < facts.runtime.share(filter.fraction);
    case "metadata": {
      const { match, whenMissing } = filter;
      if (match === undefined || facts.metadata?.has(match.filter) !== true) return whenMissing;
      return matchesMetadata(match, facts.metadata);
    }
    case "expression":
      return filter.expression.evaluate(facts.attributes()) === true;
    case "and":
      return filter.filters.every((item) => passesFilter(item, facts));
    case "or":
      return filter.filters.some((item) => passesFilter(item, facts));
  }
}

/** Where a request's id stands among all, 0…1; without one by chance. Source: Envoy `UuidRequestIdExtension`: the id's first 32 bits. */
function standing(facts: LogFacts, per: number): number {
  const head = /^[0-9a-f]{8}/i.exec(facts.requestId() ?? "")?.[0];
  return head === undefined ? facts.random() : (Number.parseInt(head, 16) % per) / per;
}

/** Without a gRPC status the HTTP status stands for one. */
function grpcStatusOf({ grpcStatus, status }: LogFacts): number {
  if (grpcStatus >= 0) return grpcStatus;
  return status === 200 ? 0 : grpcCodeOfHttpStatus(status);
}

function compare(value: number, op: Comparison, limit: number): boolean {
  return op === "eq" ? value === limit : op === "ge" ? value >= limit : value <= limit;
}
