/**
 * The long versions of what the tests do for seconds: `npm run soak -- [kill|tamper|verifiers|fuzz|journal|simulate …] [--kills N] [--seconds N] [--seed S]`.
 * Prints its seed first; ends with 1 when anything was wrong.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { LARGE } from '../fuzz/large.ts';
import { fuzzTargets, runFuzz, runOnce } from '../fuzz/run.ts';
import { utf8 } from '../src/base/bytes.ts';
import { journalSoaks, simulateFrom } from '../test/journal/soak.ts';
import { killCampaign } from '../test/crash/kill-campaign.ts';
import { auditedWhole, type Campaign, changedArchive, changedFileBytes, changedRecordBytes, cutTails, exchangedFiles, movedLines } from '../test/tamper/campaigns.ts';
import { makeSample } from '../test/tamper/sample.ts';
import * as differential from '../test/second-verifier/campaigns.ts';
import { draft, EVENTS, log, makeBundle, RUN_AFTER, TRUST } from '../test/second-verifier/drafts.ts';
import { differentialFuzz } from '../test/second-verifier/fuzz.ts';
import { variedDecisions } from '../test/second-verifier/variations.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string' }, runs: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) }, parallel: { type: 'string', default: '2' } },
});
const seed = Number(values.seed);
const parts = positionals.length === 0 ? ['properties', 'large', 'tamper', 'verifiers', 'fuzz', 'kill', 'journal', 'simulate'] : positionals;
const folder = mkdtempSync(`${tmpdir()}/cellos-soak-`);
let failed = false;

function tell(name: string, wrong: readonly string[], rest: string): void {
  console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${rest}`);
  for (const line of wrong) console.log(`     ${line}`);
  failed ||= wrong.length > 0;
}

async function timed<T>(action: () => T | Promise<T>): Promise<{ value: T; seconds: string }> {
  const from = performance.now();
  const value = await action();
  return { value, seconds: `${((performance.now() - from) / 1000).toFixed(1)} s` };
}

async function tamper(): Promise<void> {
  const { first, second, trust } = makeSample(`${folder}/tamper`);
  const campaigns: [string, () => Campaign | Promise<Campaign>][] = [
    ['every value of every byte of the records', () => changedRecordBytes(first, trust, 'all')],
    ['the records cut at every byte', () => cutTails(first, trust)],
    ['lines removed, repeated, swapped, spliced', () => movedLines(first, second, trust)],
    ['every value of every byte of the other files', () => changedFileBytes(first, trust, 'all')],
    ['files missing, added, exchanged', () => exchangedFiles(first, second, trust)],
    ['every value of every byte of an archive around its files', () => changedArchive(first, 'all')],
    ['every byte through the whole audit', () => auditedWhole(first, trust, 1)],
  ];
  for (const [name, run] of campaigns) {
    const { value, seconds } = await timed(run);
    tell(`tamper, ${name}`, value.wrong, `${value.variants} variants in ${seconds}`);
  }
  await tamperForBoth();
}

/** The same for both verifiers, over a small bundle: they have to agree. */
async function tamperForBoth(): Promise<void> {
  const small = { events: EVENTS.slice(0, 2), files: { 'stdout.log': 'o', 'artifacts/HEX': 'made\n' }, log: log() };
  const files = makeBundle(draft(small));
  const other = makeBundle(draft({ ...small, stream: RUN_AFTER, files: { 'stdout.log': 'p', 'artifacts/HEX': 'other\n' } }));
  const campaigns: [string, () => Promise<differential.Campaign>][] = [
    ['every byte', () => differential.changedBytes(files, TRUST, 'all')],
    ['every file cut at every byte', () => differential.cutFiles(files, TRUST, 'all')],
    ['lines removed, repeated, swapped, spliced', () => differential.movedLines(files, other, TRUST)],
    ['files missing, added, exchanged', () => differential.exchangedFiles(files, other, TRUST)],
    ['variations of policy decisions', () => variedDecisions(() => true)],
  ];
  for (const [name, run] of campaigns) {
    const { value, seconds } = await timed(run);
    tell(`tamper, both verifiers, ${name}`, value.wrong, `${value.variants} variants in ${seconds}`);
  }
}

/** Random edits, chained and signed anew: both verifiers have to agree. The case of a line is made again by its own seed. */
async function verifiers(): Promise<void> {
  const end = performance.now() + Number(values.seconds) * 1000;
  const { value, seconds } = await timed(() => differentialFuzz({ seed, until: () => performance.now() > end }));
  tell('verifiers', value.wrong, `${value.variants} cases in ${seconds}`);
}

/** The property tests of the pure layers, each tried as often as asked. */
async function properties(): Promise<void> {
  const { value, seconds } = await timed(() => spawnSync('npx', ['vitest', 'run', 'src/base', 'src/wire', 'src/core', '--testTimeout=3600000', `--maxWorkers=${values.parallel}`, '--reporter=dot'], { encoding: 'utf8', env: { ...process.env, PROPERTY_RUNS: values.runs } }));
  tell('properties', value.status === 0 ? [] : value.stdout.split('\n').slice(-60), `${values.runs} runs each in ${seconds}`);
}

/** Hostile inputs of one MiB through every target: a second of the processor is the most that one may take. */
async function large(): Promise<void> {
  for (const target of fuzzTargets()) {
    const slow: string[] = [];
    let most = 0;
    for (const [name, text] of Object.entries(LARGE)) {
      const { seconds, ...tried } = await runOnce(target, utf8(text));
      most = Math.max(most, seconds);
      if ('broke' in tried) slow.push(`${name}: ${String(tried.broke)}`);
      else if (seconds > 1) slow.push(`${name}: ${seconds.toFixed(2)} s`);
    }
    tell(`large ${target}`, slow, `${Object.keys(LARGE).length} inputs, the slowest in ${most.toFixed(2)} s`);
  }
}

async function kill(): Promise<void> {
  const kills = values.kills ?? '500';
  const { value, seconds } = await timed(() => killCampaign({ folder: `${folder}/kill`, seed, count: Number(kills), parallel: Number(values.parallel), batch: 10 }));
  tell('kill', value.wrong, `${value.killed} of ${kills} runs killed before their end, ${value.unsealed} left unsealed, in ${seconds}`);
}

async function fuzz(): Promise<void> {
  for (const target of fuzzTargets()) {
    const report = await runFuzz({ target, seconds: Number(values.seconds), seed });
    tell(`fuzz ${target}`, report.crash === undefined ? [] : [report.crash], report.summary);
  }
}

async function journal(): Promise<void> {
  for (const { name, run } of journalSoaks({ folder: `${folder}/journal`, seed, kills: Number(values.kills ?? '1000') })) {
    const { value, seconds } = await timed(run);
    tell(`journal, ${name}`, value.wrong, `${value.done} in ${seconds}`);
  }
}

/** From the seed on, one after the other, for as long as asked: a fault that is found is found again by its own seed. */
async function simulateHosts(): Promise<void> {
  const { value, seconds } = await timed(() => simulateFrom({ seed, seconds: Number(values.seconds) }));
  tell('simulate', value.wrong, `${value.done} in ${seconds}`);
}

console.log(`soak: seed ${seed}`);
try {
  for (const part of parts) {
    if (part === 'properties') await properties();
    else if (part === 'large') await large();
    else if (part === 'tamper') await tamper();
    else if (part === 'verifiers') await verifiers();
    else if (part === 'kill') await kill();
    else if (part === 'fuzz') await fuzz();
    else if (part === 'journal') await journal();
    else if (part === 'simulate') await simulateHosts();
    else throw new Error(`There is no soak "${part}": properties, large, tamper, verifiers, fuzz, kill, journal, simulate`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
