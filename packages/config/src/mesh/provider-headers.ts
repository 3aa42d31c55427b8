import { isMetadataValue } from "@heddle/std";
import type { ExtensionProvider } from "./extension-provider.ts";
import type { MeshConfig } from "./mesh-config.ts";

type Header = NonNullable<ExtensionProvider["zipkin"]>["headers"][number];

/** A MeshConfig whose providers' headers have their values. */
export interface ResolvedHeaders {
  readonly mesh: MeshConfig;
  /** Variables that headers name and the environment does not have, or with a value that no header can carry: those headers are left out. */
  readonly missing: readonly string[];
}

/** Puts values from the control plane's environment where headers name a variable (`envName`). */
export function withHeaderVariables(
  mesh: MeshConfig,
  env: Readonly<Record<string, string | undefined>>,
): ResolvedHeaders {
  const missing = new Set<string>();
  const resolved = (headers: readonly Header[]): readonly Header[] =>
    headers.flatMap((header) => {
      const { name, envName } = header;
      if (envName === undefined) return [header];
      // Files that variables are made from end with a line break.
      const value = env[envName]?.trim();
      if (value !== undefined && isMetadataValue(value)) return [{ name, value }];
      missing.add(envName);
      return [];
    });
  const extensionProviders = mesh.extensionProviders.map(({ zipkin, opentelemetry, ...rest }): ExtensionProvider => {
    const { http, grpc } = opentelemetry ?? {};
    return {
      ...rest,
      ...(zipkin && { zipkin: { ...zipkin, headers: resolved(zipkin.headers) } }),
      ...(opentelemetry && {
        opentelemetry: {
          ...opentelemetry,
          ...(http && { http: { ...http, headers: resolved(http.headers) } }),
          ...(grpc && { grpc: { ...grpc, initialMetadata: resolved(grpc.initialMetadata) } }),
        },
      }),
    };
  });
  return { mesh: { ...mesh, extensionProviders }, missing: [...missing] };
}
