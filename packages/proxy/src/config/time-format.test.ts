import { expect, test } from "bun:test";
import { formatTime } from "./time-format.ts";

const MS = Date.UTC(2026, 2, 5, 7, 8, 9, 45);

test.each([
  [undefined, "2026-03-05T07:08:09.045Z"],
  ["%Y/%m/%dT%H:%M:%S%z %s", "2026/03/05T07:08:09+0000 1772694489"],
  ["%3f %6f %9f %f", "045 045000 045000000 045000000"],
  ["%a %A %b %B %e %j %I%p", "Thu Thursday Mar March  5 064 07AM"],
  ["%F %T %D %R%%", "2026-03-05 07:08:09 03/05/26 07:08%"],
  ["%Q", "%Q"],
])("%s", (pattern, text) => {
  expect(formatTime(MS, pattern)).toBe(text);
});
