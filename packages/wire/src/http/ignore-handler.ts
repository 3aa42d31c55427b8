import type { StreamHandler } from "./stream.ts";

/** Takes everything and does nothing: a stream's handler until one is set. */
export const IGNORE_STREAM: StreamHandler = {
  onHead() {},
  onInformational() {},
  onData() {},
  onTrailers() {},
  onReset() {},
  onDrain() {},
  onClose() {},
};
