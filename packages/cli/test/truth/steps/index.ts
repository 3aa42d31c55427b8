import type { Chapter } from "../step.ts";
import { accessSteps, deleteSteps } from "./access.ts";
import { applySteps } from "./apply.ts";
import { changeSteps } from "./change.ts";
import { podSteps } from "./describe.ts";
import { readSteps, settleSteps, watchSteps } from "./read.ts";
import { customRefusalSteps, refusalSteps } from "./refuse.ts";

/** All steps in the order in which they run: later chapters need what earlier ones made. */
export const chapters: Readonly<Record<string, Chapter>> = {
  apply: { steps: applySteps },
  settle: { steps: settleSteps },
  read: { steps: readSteps, anyOrder: true },
  watch: { steps: watchSteps },
  pods: { steps: podSteps },
  change: { steps: changeSteps },
  refuse: { steps: refusalSteps, anyOrder: true },
  "custom resources": { steps: customRefusalSteps },
  access: { steps: accessSteps, anyOrder: true },
  delete: { steps: deleteSteps },
};
