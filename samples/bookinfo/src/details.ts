import { detailsAnswer } from "./details-answer.ts";
import { serve } from "./serve.ts";

serve("details", ({ path }) => detailsAnswer(path));
