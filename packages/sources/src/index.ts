export { createFileSource, type FileSourceOptions } from "./file/file-source.ts";
export { type ReadObjects, readObjects } from "./file/read-objects.ts";
export {
  createKubernetesSource,
  type FollowedKind,
  type KubernetesSourceOptions,
  registryKinds,
} from "./kubernetes/kubernetes-source.ts";
export { createMockSource, mockObjects } from "./mock/mock-source.ts";
export type { Source, SourceEvent, SourceProblem, SourceSink } from "./source.ts";
