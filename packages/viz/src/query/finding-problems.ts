import type { FindingRow } from "../config-contract.ts";
import type { Problem } from "../dashboard-contract.ts";

/** Findings of the analysis that ask for a deed; mere information stays with `heddle analyze`. */
export function findingProblems(findings: readonly FindingRow[]): readonly Problem[] {
  return findings
    .filter((f) => f.level === "Error" || f.level === "Warning")
    .map((f) => {
      const { cause, advice } = causeAndAdvice(f.message);
      const where = f.path === "" ? f.origin : `${f.path} of ${f.origin}`;
      const again = `heddle analyze${namespaceFlag(f.origin)} tells whether it is mended`;
      return {
        id: `analysis/${f.code}/${f.origin}/${f.path}/${f.message}`,
        severity: f.level === "Error" ? ("error" as const) : ("warning" as const),
        what: `${f.origin}: ${words(f.name)} (${f.code})`,
        cause,
        next: advice === "" ? `mend ${where}; ${again}` : `${advice} (${where}); ${again}`,
        sinceMs: null,
      };
    });
}

/** Analyzers write `what is wrong; what to do`, or `what is wrong; what comes of it. What to do`. */
function causeAndAdvice(message: string): { readonly cause: string; readonly advice: string } {
  const half = message.lastIndexOf("; ");
  if (half < 0) return { cause: message, advice: "" };
  const full = message.indexOf(". ", half);
  const cut = full < 0 ? half : full;
  return { cause: message.slice(0, cut), advice: message.slice(cut + 2) };
}

/** `ReferencedResourceNotFound` → `referenced resource not found`. */
function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** `VirtualService default/reviews` → ` -n default`; objects without a namespace need none. */
function namespaceFlag(origin: string): string {
  const place = origin.split(" ")[1] ?? "";
  const slash = place.indexOf("/");
  return slash > 0 ? ` -n ${place.slice(0, slash)}` : "";
}
