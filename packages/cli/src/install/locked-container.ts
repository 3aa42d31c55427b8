/** What a container of ours may do to its machine: nothing. `securityContext` of a container. */
export const LOCKED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
} as const;
