export {
  type AdmissionAnswer,
  type AdmissionOutcome,
  type AdmissionRequest,
  allow,
  answerInjection,
  deny,
  readAdmissionReview,
} from "./admission.ts";
export type { InjectContext } from "./context.ts";
export { type Decision, decide, type SkipReason } from "./decision.ts";
export { type InjectOutcome, injectPod, type Rendered, renderSidecar } from "./inject-pod.ts";
export { diff, type PatchOperation } from "./json-patch.ts";
export { type AnnotateOptions, annotateManifest, type ManifestChange, renderManifest } from "./manifest/annotate.ts";
export { type ManifestOutcome, outcomeLine } from "./manifest/outcome.ts";
export { uninjectManifest } from "./manifest/uninject.ts";
