import type { ResourceAttributes } from "../../config/trace-provider.ts";

/** Who sends to a collector; later ones win: what stands in the environment, what is configured. */
export function detectedResource(
  { fromEnvironment, resource }: ResourceAttributes,
  env: (name: string) => string | undefined,
): readonly (readonly [string, string])[] {
  return Object.entries({
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "heddle",
    ...(fromEnvironment ? readAttributes(env("OTEL_RESOURCE_ATTRIBUTES") ?? "") : {}),
    ...resource,
  });
}

/** `key=value,key=value`, percent-encoded. Source: OpenTelemetry's resource SDK. */
function readAttributes(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    if (at <= 0) continue;
    const value = part.slice(at + 1).trim();
    out[part.slice(0, at).trim()] = /%(?![0-9a-f]{2})/i.test(value) ? value : decodeURIComponent(value);
  }
  return out;
}
