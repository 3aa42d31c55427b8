import { createRatings } from "./ratings-answer.ts";
import { serve } from "./serve.ts";

const answer = createRatings();
serve("ratings", ({ method, path, body }) => answer(method, path, body));
