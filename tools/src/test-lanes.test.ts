import { expect, test } from "bun:test";
import { closingLine, failuresOf, sideBySide, tallyOf } from "./test-lanes.ts";

test("counts what bun test reports", () => {
  expect(tallyOf(" 12 pass\n 2 skip\n 1 fail\n", 1)).toEqual({ passed: 12, failed: 1, skipped: 2 });
});

test("a run that died without counts is a failure", () => {
  expect(tallyOf("segmentation fault", 139)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(tallyOf(" 3 pass\n 0 fail\n", 1).failed).toBe(1);
  expect(tallyOf("", 0).failed).toBe(1);
});

test("closing line names skips only where there are some", () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
});

test("a failing test is repeated with its own lines, not with those of the test before", () => {
  const output =
    "one\n(pass) first [1ms]\nerror: expected 2\n(fail) second [3ms]\n(pass) third\nlate\n(fail) fourth\n 1 fail\n";
  expect(failuresOf(output)).toEqual(["(fail) second [3ms]\nerror: expected 2", "(fail) fourth\nlate"]);
  expect(failuresOf("boom\n")).toEqual(["boom\n"]);
});

test("two lanes take every item once, and never more than two at a time", async () => {
  const began: number[] = [];
  let busy = 0;
  let most = 0;
  await sideBySide([3, 1, 2, 1, 1], 2, async (turns) => {
    began.push(turns);
    most = Math.max(most, ++busy);
    for (let i = 0; i < turns; i++) await Promise.resolve();
    busy--;
  });
  expect(began).toEqual([3, 1, 2, 1, 1]);
  expect(most).toBe(2);
});
