import type { Logger } from "@heddle/std";

/** Set to `linkerd`: Linkerd's metrics beside Istio's, wherever those are counted. Default: Istio's only. */
const DIALECT_VARIABLE = "HEDDLE_METRICS_DIALECT";

export function speaksLinkerd(variable: (name: string) => string | undefined, log?: Logger): boolean {
  const dialect = variable(DIALECT_VARIABLE) ?? "";
  if (dialect !== "" && dialect !== "istio" && dialect !== "linkerd")
    log?.error(`${DIALECT_VARIABLE} is not a dialect of metrics; use istio (the default) or linkerd`, {
      value: dialect,
    });
  return dialect === "linkerd";
}
