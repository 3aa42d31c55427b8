import { type MeshConfig, withHeaderVariables } from "@heddle/config";
import type { Logger } from "@heddle/std";

/** The MeshConfig with the headers of its providers as the control plane's environment has them. */
export function completeHeaders(
  mesh: MeshConfig,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): MeshConfig {
  const resolved = withHeaderVariables(mesh, env);
  for (const name of resolved.missing)
    log.warn(
      `extensionProviders: the control plane has no environment variable ${name}, or one that no header can carry (printable ASCII); headers that name it are left out. Set it in Deployment istiod`,
    );
  return resolved.mesh;
}
