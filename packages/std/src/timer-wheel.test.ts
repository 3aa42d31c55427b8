import { describe, expect, test } from "bun:test";
import { seededRandom } from "./damage.testing.ts";
import { createTimerWheel, type WheelTimer } from "./timer-wheel.ts";

describe("timer wheel", () => {
  test("fires once, never early, at most two ticks late", () => {
    const random = seededRandom(1);
    const wheel = createTimerWheel({ tickMs: 10, slots: 64 }, 1000);
    let now = 1000;
    const due = new Map<number, number>();
    const timers: WheelTimer[] = [];
    for (let i = 0; i < 300; i++) {
      timers.push(
        wheel.create({
          onExpire: () => {
            const deadline = due.get(i);
            expect(deadline).toBeDefined();
            expect(now).toBeGreaterThanOrEqual(deadline ?? 0);
            expect(now - (deadline ?? 0)).toBeLessThan(10 + 10 + 7);
            due.delete(i);
          },
        }),
      );
    }
    for (let step = 0; step < 4000; step++) {
      const i = Math.floor(random() * timers.length);
      const delay = Math.floor(random() * 3000);
      if (random() < 0.3) {
        timers[i]?.disarm();
        due.delete(i);
      } else {
        timers[i]?.arm(delay);
        due.set(i, wheel.nowMs + delay);
      }
      now += 1 + Math.floor(random() * 7);
      wheel.advance(now);
    }
    for (const end = now + 4000; now < end; now += 10) wheel.advance(now);
    expect(due.size).toBe(0);
    expect(wheel.size).toBe(0);
  });

  test("a pause longer than a turn fires everything that is due and nothing else", () => {
    const wheel = createTimerWheel({ tickMs: 10, slots: 16 }, 0);
    const fired: string[] = [];
    wheel.create({ onExpire: () => fired.push("short") }).arm(50);
    wheel.create({ onExpire: () => fired.push("long") }).arm(1_000_000);
    wheel.advance(60_000);
    expect(fired).toEqual(["short"]);
    wheel.advance(1_001_000);
    expect(fired).toEqual(["short", "long"]);
  });

  test("a timer may be armed again from its own expiry", () => {
    const wheel = createTimerWheel({ tickMs: 10, slots: 16 }, 0);
    let count = 0;
    const timer = wheel.create({
      onExpire: () => {
        count++;
        timer.arm(10);
      },
    });
    timer.arm(10);
    for (let now = 0; now <= 1000; now += 10) wheel.advance(now);
    expect(count).toBe(50);
  });

  test("slots must be a power of two", () => {
    expect(() => createTimerWheel({ slots: 100 }, 0)).toThrow("power of two");
  });

  test("a released timer is forgotten at once, a disarmed one only at its slot; neighbours keep theirs", () => {
    const wheel = createTimerWheel({ tickMs: 10, slots: 64 }, 0);
    const fired: string[] = [];
    const timer = (name: string) => wheel.create({ onExpire: () => void fired.push(name) });
    const [before, released, after, disarmed] = [timer("before"), timer("released"), timer("after"), timer("disarmed")];
    for (const one of [before, released, after, disarmed]) one.arm(50);
    disarmed.disarm();
    expect(wheel.size).toBe(4);
    released.release();
    released.release();
    expect(wheel.size).toBe(3);
    expect(released.armed).toBe(false);
    wheel.advance(200);
    expect(fired.sort()).toEqual(["after", "before"]);
    released.arm(10);
    wheel.advance(300);
    expect(fired).toEqual(["after", "before", "released"]);
  });
});
