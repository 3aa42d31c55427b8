/** A difference that stays, with the reason. */
export interface WantedDifference {
  /** Steps where it may show. */
  readonly in: RegExp;
  /** Lines of the difference: `-` real, `+` embedded. */
  readonly line: RegExp;
  readonly reason: string;
}

/** Each must be seen at least once in a run, so that the list cannot go stale. */
export const wantedDifferences: readonly WantedDifference[] = [
  {
    in: /^(get pod .*-o yaml|describe pod)/,
    line: /^[-+] +(image|imageID|Image ID): /,
    reason: "an image is an entry of images.json, not something that was pulled and has a digest",
  },
  {
    in: /^get pod .*-o yaml/,
    line: /^- +(observedGeneration: |(- )?allocatedResources:|resources:( \{\})?$|limits:$|requests:$|cpu: |memory: |containerID: )|^\+ +- containerID: /,
    reason: "pods are not resized in place, so nothing reports what is allocated",
  },
  {
    in: /^get pod .*-o yaml/,
    line: /^- +(volumeMounts:$|- mountPath: |name: |readOnly: |recursiveReadOnly: )/,
    reason: "mounts are not reported a second time in the status; no mount is ever recursively read-only",
  },
  {
    in: /^get endpointslices .*-o yaml/,
    line: /^- +(annotations:|endpoints\.kubernetes\.io\/last-change-trigger-time: )/,
    reason: "the annotation serves a latency metric of kube-proxy, which there is not",
  },
  {
    in: /poddisruptionbudget/,
    line: /careful|Allowed disruptions:|Current:|Desired:|Total:/,
    reason: "nothing is evicted from the only node, so disruption budgets are stored and not counted",
  },
  {
    in: /^describe namespace/,
    line: /^- +configmaps /,
    reason: "one user on one machine: quotas are stored, not enforced",
  },
  {
    in: /continue=broken/,
    line: /continue key is not valid/,
    reason: "the real message is that of Go's JSON decoder",
  },
  {
    in: /nosuchprogram/,
    line: /failed to start exec/,
    reason: "one process runs the container, so no chain of components repeats the error",
  },
  {
    in: /^events /,
    line: /Container image "busybox:1" already present/,
    reason: "the same sentence about several containers of a pod is one event with a count",
  },
  {
    in: /^patch .*--type=json/,
    line: /The request is invalid: /,
    reason: "says which operation of the patch failed, where Kubernetes hides it",
  },
  {
    in: /^autoscale /,
    line: /autoscal|NotFound|exit code/,
    reason: "nothing measures the load of pods, so autoscaling/v1 is not served",
  },
  {
    in: /--dry-run=server$/,
    line: /^([-+]stderr: The Pair|\+pair\.truth|[-+]exit code)/,
    reason: "rules in CEL are not evaluated; a definition with some is accepted, and the rules are shown by explain",
  },
  {
    in: /^api-resources .*''/,
    line: /^-componentstatuses /,
    reason: "deprecated since 1.19; there are no such components",
  },
  {
    in: /^explain /,
    line: /^[-+] +(enum: |Possible enum values|- `|per|RFC-6335)/,
    reason: "the generated schemas carry no enums, and lines fold differently without them",
  },
];
