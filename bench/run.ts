/** `npm run bench [-- NAME]`: the ratios of README, "How fast". Names: cold, library, evidence, events, core, merkle, journal, verify. Everything is measured in turns with its baseline. */
import { mkdirSync } from 'node:fs';
import { measure as coldStart } from './cold-start.ts';
import { measure as core } from './core.ts';
import { measure as eventsSealed } from './events-sealed.ts';
import { measure as evidenceCost } from './evidence-cost.ts';
import { measure as journal } from './journal.ts';
import { measure as libraryCell } from './library-cell.ts';
import { measure as merkle, publication } from './merkle.ts';
import { line, loadLine } from './pairs.ts';
import { measure as verifyBundle } from './verify-bundle.ts';

const print = (text: string): void => console.log(text);
const root = process.cwd();

function rates(measured: readonly { name: string; perSecond: number; baseline: string; baselinePerSecond: number; aim: string }[]): void {
  for (const { name, perSecond, baseline, baselinePerSecond, aim } of measured) {
    print(`${`${name} / ${baseline}`.padEnd(62)} ${(baselinePerSecond / perSecond).toFixed(2)}×   ${Math.round(perSecond)}/s / ${Math.round(baselinePerSecond)}/s; aim ${aim}`);
  }
}

const BENCHES: Readonly<Record<string, () => Promise<void> | void>> = {
  cold: () => coldStart({ root, program: [process.execPath, `${root}/build/programs/cellos.cjs`], pairs: 60, print }),
  library: () => libraryCell({ pairs: 60, print }),
  evidence: () => evidenceCost({ runs: 5, print }),
  events: () => {
    const { perSecond, baselinePerSecond, ratio, eventBytes } = eventsSealed();
    print(`events sealed on one core / bare Ed25519 of the same bytes     ${ratio.toFixed(2)}×   ${Math.round(perSecond)}/s / ${Math.round(baselinePerSecond)}/s, events of ${eventBytes} bytes; aim at least 10000/s`);
  },
  core: () => rates(core()),
  merkle: async () => {
    rates(merkle());
    mkdirSync(`${root}/build`, { recursive: true });
    print(line(await publication(`${root}/build`), 'none'));
  },
  journal: async () => {
    const { perSecond, baselinePerSecond, throughputRatio, p50Ms, p99Ms, baselineP50Ms, baselineP99Ms } = await journal({ place: `${root}/build` });
    print(`journal, 64 producers of 1 KiB / write and fdatasync each       ${throughputRatio.toFixed(1)}×   ${Math.round(perSecond)}/s / ${Math.round(baselinePerSecond)}/s; aim at least 25×`);
    print(`journal, one durable append, p99 / write and fdatasync, p99     ${(p99Ms / baselineP99Ms).toFixed(2)}×   ${p99Ms.toFixed(2)} ms / ${baselineP99Ms.toFixed(2)} ms (p50 ${p50Ms.toFixed(2)} / ${baselineP50Ms.toFixed(2)}); aim at most 3×`);
  },
  verify: async () => {
    const { seconds, baselineSeconds, peakMiB, records, bytes } = await verifyBundle({ place: `${root}/build` });
    print(`bundle of ${records} records audited / bare Ed25519 of as many   ${(seconds / baselineSeconds).toFixed(2)}×   ${seconds.toFixed(1)} s / ${baselineSeconds.toFixed(1)} s, ${(bytes / 1e6).toFixed(0)} MB, peak ${peakMiB.toFixed(0)} MiB; aim 10 s, 200 MB`);
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(', ')}: there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(64);
}
print(loadLine());
for (const [name, run] of Object.entries(BENCHES)) if (asked.length === 0 || asked.includes(name)) await run();
print(loadLine());
