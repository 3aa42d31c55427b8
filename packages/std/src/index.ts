export { assertNever } from "./assert-never.ts";
export { type Backoff, type BackoffOptions, createBackoff } from "./backoff.ts";
export type { Brand } from "./brand.ts";
export { type Clock, type ClockTimer, createSystemClock } from "./clock.ts";
export {
  type DurationMs,
  durationMs,
  formatGoDuration,
  formatProtoDuration,
  fromProtoDuration,
  type ProtoDuration,
  parseGoDuration,
  parseProtoDuration,
  toProtoDuration,
} from "./duration.ts";
export { createEwma, type Ewma, type EwmaOptions } from "./ewma.ts";
export { FORMAT_OPERATORS } from "./format-operators.ts";
export { GRPC_CODES } from "./grpc-codes.ts";
export { isMetadataName, isMetadataValue } from "./grpc-metadata.ts";
export { addressSet, type Cidr, cidrContains, isInRange, parseIp } from "./ip-range.ts";
export { at, type JsonRecord, listOf, numberOf, recordOf, textOf } from "./json-view.ts";
export { literalRegex } from "./literal-regex.ts";
export {
  createLogger,
  createNullLogger,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogRecord,
  type LogSink,
  parseLogLevel,
} from "./log.ts";
export { createLineSink, formatLogJson, formatLogText } from "./log-format.ts";
export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { EXPOSITION_CONTENT_TYPE, labelText, writeFamily, writeSample } from "./metrics/exposition.ts";
export {
  type CounterFamily,
  createCounterFamily,
  createGaugeFamily,
  createHistogramFamily,
  type FamilyOptions,
  type GaugeFamily,
  type HistogramFamily,
  type LabelledSeries,
  type MetricFamily,
  type MetricKind,
} from "./metrics/family.ts";
export { type Exposition, parseExposition, type Sample } from "./metrics/parse.ts";
export { createMetricsRegistry, DEFAULT_BOUNDS, type MetricsRegistry } from "./metrics/registry.ts";
export { type Counter, type Gauge, type Histogram, histogramQuantile } from "./metrics/series.ts";
export { nearest } from "./nearest.ts";
export { normalizePath, type PathRules } from "./path-normalize.ts";
export { fromRe2Substitution } from "./re2-substitution.ts";
export { type Err, err, mapResult, type Ok, ok, type Result, unwrap } from "./result.ts";
export { createRoster, type Enlisted, type Roster } from "./roster.ts";
export { createSecret, errorText, isSecretName, redact, redactText, type Secret } from "./secret.ts";
export {
  createTimerWheel,
  type Expirable,
  type TimerWheel,
  type TimerWheelOptions,
  type WheelTimer,
} from "./timer-wheel.ts";
