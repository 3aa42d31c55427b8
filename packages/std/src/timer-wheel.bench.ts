/** Arms and disarms 10,000 timers as streams do. Run: bin/bun packages/std/src/timer-wheel.bench.ts */
import { createTimerWheel } from "./timer-wheel.ts";

const STREAMS = 10_000;
const TURNS = 200;

const wheel = createTimerWheel({}, 0);
const timers = Array.from({ length: STREAMS }, () => wheel.create({ onExpire() {} }));
for (let round = 0; round < 5; round++) {
  const began = performance.now();
  for (let turn = 0; turn < TURNS; turn++) {
    for (const timer of timers) timer.arm(15_000);
    for (const timer of timers) timer.disarm();
    wheel.advance(wheel.nowMs + 10);
  }
  const ns = ((performance.now() - began) * 1e6) / (TURNS * STREAMS);
  console.log(`${ns.toFixed(1)} ns to arm and disarm, with ${STREAMS} timers`);
}
