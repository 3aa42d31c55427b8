import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Action,
  OutlierDetectionEventSchema,
  OutlierEjectionType,
} from "@heddle/xds-api/envoy/data/cluster/v3/outlier_detection_event";
import type { HostOutlier, OutlierKind } from "./outlier-detector.ts";

/** What an ejection came of, where hosts were compared. Units: %. */
export interface ComparedRates {
  readonly host: number;
  /** Of success rates: their mean, and what is below is an outlier. */
  readonly mean?: number;
  readonly threshold?: number;
}

/** A host whose ejection began, was left out by chance, or ended. */
export interface EjectionEvent {
  readonly cluster: string;
  /** `1.2.3.4:80`. */
  readonly host: string;
  /** Undefined: it is back. */
  readonly kind: OutlierKind | undefined;
  readonly enforced: boolean;
  readonly rates: ComparedRates | undefined;
  readonly state: Pick<HostOutlier, "timesEjected" | "ejectedMs" | "backMs">;
  /** Units: ms of the monotonic clock. */
  readonly nowMs: number;
}

/** Is told of ejections. */
export type EjectionLog = (event: EjectionEvent) => void;

type Event = NonNullable<MessageInitShape<typeof OutlierDetectionEventSchema>["event"]>;

const TYPES: Readonly<Record<OutlierKind, OutlierEjectionType>> = {
  consecutive_5xx: OutlierEjectionType.CONSECUTIVE_5XX,
  consecutive_gateway_failure: OutlierEjectionType.CONSECUTIVE_GATEWAY_FAILURE,
  consecutive_local_origin_failure: OutlierEjectionType.CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
  success_rate: OutlierEjectionType.SUCCESS_RATE,
  local_origin_success_rate: OutlierEjectionType.SUCCESS_RATE_LOCAL_ORIGIN,
  failure_percentage: OutlierEjectionType.FAILURE_PERCENTAGE,
  local_origin_failure_percentage: OutlierEjectionType.FAILURE_PERCENTAGE_LOCAL_ORIGIN,
};

/** Writes each as a line of JSON. Source: Envoy `OutlierDetectionEvent`, `event_log_path`. */
export function createEjectionLog(write: (line: string) => void, now: () => number): EjectionLog {
  return (event) => {
    const { kind, state, nowMs } = event;
    const beforeMs = kind === undefined ? state.ejectedMs : state.backMs;
    const message = create(OutlierDetectionEventSchema, {
      ...(kind === undefined ? {} : { type: TYPES[kind] }),
      timestamp: timestampFromMs(now()),
      ...(beforeMs < 0 ? {} : { secsSinceLastAction: BigInt(Math.trunc((nowMs - beforeMs) / 1000)) }),
      clusterName: event.cluster,
      upstreamUrl: event.host,
      action: kind === undefined ? Action.UNEJECT : Action.EJECT,
      numEjections: state.timesEjected,
      enforced: event.enforced,
      event: kind === undefined ? { case: undefined } : eventOf(kind, event.rates),
    });
    const json = toJson(OutlierDetectionEventSchema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
    write(`${JSON.stringify(json)}\n`);
  };
}

function eventOf(kind: OutlierKind, rates: ComparedRates | undefined): Event {
  const whole = (rate = 0) => Math.max(0, Math.trunc(rate));
  if (kind.endsWith("success_rate"))
    return {
      case: "ejectSuccessRateEvent",
      value: {
        hostSuccessRate: whole(rates?.host),
        clusterAverageSuccessRate: whole(rates?.mean),
        clusterSuccessRateEjectionThreshold: whole(rates?.threshold),
      },
    };
  if (kind.endsWith("failure_percentage"))
    return { case: "ejectFailurePercentageEvent", value: { hostSuccessRate: whole(rates?.host) } };
  return { case: "ejectConsecutiveEvent", value: {} };
}
