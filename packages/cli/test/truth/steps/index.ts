import type { Step } from "../step.ts";
import { accessSteps, deleteSteps } from "./access.ts";
import { applySteps } from "./apply.ts";
import { changeSteps } from "./change.ts";
import { podSteps } from "./describe.ts";
import { readSteps } from "./read.ts";
import { refusalSteps } from "./refuse.ts";

/** All steps in the order in which they run: later ones need what earlier ones made. */
export const chapters: Readonly<Record<string, readonly Step[]>> = {
  apply: applySteps,
  read: readSteps,
  pods: podSteps,
  change: changeSteps,
  refuse: refusalSteps,
  access: accessSteps,
  delete: deleteSteps,
};
