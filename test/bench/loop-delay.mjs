// Preloaded into the program that is measured (`NODE_OPTIONS=--import`): on SIGUSR2 it writes how late its event loop was
// since the last time, in ms, to the file that LOOP_DELAY_FILE names.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 5;
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
histogram.enable();

const late = (ns) => Math.max(0, ns / 1e6 - resolutionMs);

process.on('SIGUSR2', () => {
  const told = {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: late(histogram.max),
  };
  writeFileSync(process.env.LOOP_DELAY_FILE, JSON.stringify(told));
  histogram.reset();
});
