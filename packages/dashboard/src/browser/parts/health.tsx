import { HEALTH_SIGN, health, percent } from "../format.ts";

/** A success rate with colour and sign: the colour is never alone. */
export function Success({ value }: { value: number | null }) {
  const state = health(value);
  return (
    <span class={`health ${state}`}>
      {value === null ? null : (
        <span class="sign" aria-hidden="true">
          {HEALTH_SIGN[state]}
        </span>
      )}
      {percent(value)}
    </span>
  );
}

/** Pods with a proxy, of all. */
export function Meshed({ meshed, pods }: { meshed: number; pods: number }) {
  return (
    <span
      class={meshed === pods ? undefined : "muted"}
      title={meshed === pods ? "every pod has a proxy" : `${pods - meshed} without a proxy`}
    >
      {meshed}/{pods}
    </span>
  );
}

export function Secured({ secured, reason }: { secured: boolean; reason: string }) {
  return secured ? (
    <span class="health good" title="mutual TLS">
      <span aria-hidden="true">🔒︎</span> mTLS
    </span>
  ) : (
    <span class="health poor">{reason}</span>
  );
}
